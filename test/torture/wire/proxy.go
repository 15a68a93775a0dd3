// Package wire is a TCP proxy that does to a connection what networks do: cut it, hold it half open, slow it down, break it
// within a frame, carry it byte by byte, lose one direction. With no fault on, every byte passes unchanged.
package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Proxy listens on a port of its own and connects to its targets in turn, as a balancer does.
type Proxy struct {
	targets  []string
	listener net.Listener

	mu     sync.Mutex
	rng    *rand.Rand
	fault  Fault
	links  map[*link]struct{}
	hits   map[Fault]int
	turn   int
	closed bool
}

// New starts a proxy in front of targets (host:port). seed is that of its choices, such as where a frame breaks.
func New(seed uint64, targets ...string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a proxy of %v: %w", targets, err)
	}
	p := &Proxy{targets: targets, listener: l, rng: rand.New(rand.NewPCG(seed, 1)), links: map[*link]struct{}{}, hits: map[Fault]int{}}
	go p.accept()
	return p, nil
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy and its connections.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.closeLinks()
	return p.listener.Close()
}

// Set turns a fault on, for the connections there are and those to come, until Set(None).
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	before := p.fault
	p.fault = f
	if f == Cut {
		p.hits[f] += len(p.links)
	}
	for l := range p.links {
		switch {
		case f == HalfOpen:
			l.dead = true // for ever: this peer is gone
		case f == ResetInFrame:
			l.resetAfter = p.rng.IntN(resetWithin)
		}
	}
	p.mu.Unlock()
	// What was lost in one direction cannot be made good on the same connection.
	if f == Cut || f == Refuse || before == LoseAnswers {
		p.closeLinks()
	}
}

// Hits is how many connections and pieces of data a fault has touched.
func (p *Proxy) Hits(f Fault) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[f]
}

func (p *Proxy) closeLinks() {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // such as too many open files: the client tries again
		}
		go p.serve(client)
	}
}

// dialLimit is how long the target may take to accept.
const dialLimit = 5 * time.Second

func (p *Proxy) serve(client net.Conn) {
	if p.current() == Refuse {
		p.hit(Refuse)
		client.Close()
		return
	}
	server, err := net.DialTimeout("tcp", p.target(), dialLimit)
	if err != nil {
		client.Close()
		return
	}
	l := &link{proxy: p, client: client, server: server}
	p.mu.Lock()
	l.dead, l.resetAfter = p.fault == HalfOpen, p.rng.IntN(resetWithin)
	p.links[l] = struct{}{}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		l.close()
	}
	var both sync.WaitGroup
	both.Go(func() { l.carry(server, client, true) })
	both.Go(func() { l.carry(client, server, false) })
	both.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// target is the one whose turn it is.
func (p *Proxy) target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn++
	return p.targets[p.turn%len(p.targets)]
}

func (p *Proxy) hit(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits[f]++
}

func (p *Proxy) current() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}
