package wire

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

func connect(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// said is what comes back of a text, until the connection ends or all of it is there.
func said(c net.Conn, text []byte) []byte {
	go c.Write(text)
	back := make([]byte, len(text))
	n, _ := io.ReadFull(c, back)
	return back[:n]
}

func TestFaults(t *testing.T) {
	p, err := New(1, echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	text := bytes.Repeat([]byte("0123456789"), 500)
	long := bytes.Repeat(text, 100)

	for _, slow := range []Fault{None, Delay, ByteByByte, SlowReader, Cut} {
		p.Set(slow)
		if got := said(connect(t, p), text); !bytes.Equal(got, text) {
			t.Errorf("%q: %d of %d bytes come back", slow, len(got), len(text))
		}
	}
	p.Set(None)
	c := connect(t, p)
	said(c, text)
	p.Set(Cut)
	if got := said(c, text); len(got) != 0 {
		t.Errorf("cut: %d bytes come back", len(got))
	}
	p.Set(Refuse)
	if got := said(connect(t, p), text); len(got) != 0 {
		t.Errorf("down: %d bytes come back", len(got))
	}
	p.Set(ResetInFrame)
	if got := said(connect(t, p), long); len(got) >= resetWithin {
		t.Errorf("reset: %d bytes come back", len(got))
	}
	for _, silent := range []Fault{HalfOpen, LoseAnswers} {
		p.Set(None)
		c := connect(t, p)
		said(c, text) // the connection is through
		p.Set(silent)
		answer := make(chan int)
		go func() { answer <- len(said(c, text)) }()
		p.Set(None) // after LoseAnswers, this closes it
		if silent == HalfOpen {
			p.closeLinks()
		}
		if n := <-answer; n == len(text) && silent == HalfOpen {
			t.Errorf("%s: %d bytes come back", silent, n)
		}
		if got := said(connect(t, p), text); !bytes.Equal(got, text) {
			t.Errorf("after %s: %d of %d bytes come back", silent, len(got), len(text))
		}
	}
}
