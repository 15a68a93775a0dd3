package rpc

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

// strangersEvery is the least time between two log lines about callers that failed the handshake.
const strangersEvery = 10 * time.Second

// reporting are a server's credentials that log handshakes that fail: the caller often sees only that the connection ended.
type reporting struct {
	credentials.TransportCredentials
	strangers *strangers
}

// ServerHandshake implements credentials.TransportCredentials.
func (r reporting) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info, err := r.TransportCredentials.ServerHandshake(conn)
	if err != nil && !errors.Is(err, io.EOF) { // EOF: a port scan or a probe of the load balancer
		r.strangers.report(conn.RemoteAddr(), err, time.Now())
	}
	return secure, info, err
}

// Clone implements credentials.TransportCredentials.
func (r reporting) Clone() credentials.TransportCredentials {
	return reporting{r.TransportCredentials.Clone(), r.strangers}
}

// strangers logs one failed handshake now and then, and counts those between.
type strangers struct {
	log *slog.Logger

	mu     sync.Mutex
	logged time.Time
	silent int
}

func (s *strangers) report(peer net.Addr, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.logged) < strangersEvery {
		s.silent++
		return
	}
	s.log.Warn("a caller's TLS handshake failed", "peer", peer.String(), "reason", err.Error(), "others since the last line", s.silent)
	s.logged, s.silent = now, 0
}
