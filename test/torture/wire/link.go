package wire

import (
	"net"
	"time"
)

// link is one connection through the proxy.
type link struct {
	proxy          *Proxy
	client, server net.Conn

	// Guarded by proxy.mu.
	dead       bool // swallows everything
	resetAfter int  // bytes that still pass under ResetInFrame
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

// reset closes both ends with RST.
func (l *link) reset() {
	for _, c := range []net.Conn{l.client, l.server} {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0) //nolint:errcheck // it is closed at once
		}
	}
	l.close()
}

// carry copies one direction until either end closes.
func (l *link) carry(to, from net.Conn, up bool) {
	defer l.close()
	buffer := make([]byte, 32<<10)
	for {
		room := buffer
		if up && l.proxy.current() == SlowReader {
			room = buffer[:slowBytes]
		}
		n, err := from.Read(room)
		if n > 0 {
			if !l.pass(to, room[:n], up) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass writes what was read, as the fault wants it; false ends the connection.
func (l *link) pass(to net.Conn, b []byte, up bool) bool {
	fault, dead, reset := l.state(len(b), up)
	switch {
	case dead || fault == LoseAnswers && !up:
		return true
	case reset >= 0:
		to.Write(b[:reset]) //nolint:errcheck // it is reset at once
		l.reset()
		return false
	case fault == Delay:
		time.Sleep(delay)
	case fault == SlowReader && up:
		time.Sleep(slowPause)
	case fault == ByteByByte:
		for i := range b {
			if _, err := to.Write(b[i : i+1]); err != nil {
				return false
			}
		}
		return true
	}
	_, err := to.Write(b)
	return err == nil
}

// state is the fault in force; reset is how many of n bytes pass before the connection breaks, -1: it does not.
func (l *link) state(n int, up bool) (fault Fault, dead bool, reset int) {
	p := l.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	reset = -1
	if p.fault == ResetInFrame {
		if l.resetAfter < n {
			reset = l.resetAfter
		}
		l.resetAfter -= n
	}
	// A fault of one direction touches only that one; Cut touched connections when it began.
	oneWay := p.fault == LoseAnswers && up || p.fault == SlowReader && !up
	if !oneWay && p.fault != Cut && (p.fault != ResetInFrame || reset >= 0) {
		p.hits[p.fault]++
	}
	return p.fault, l.dead, reset
}
