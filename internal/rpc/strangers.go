package rpc

import (
	"errors"
	"io"
	"log/slog"
	"net"

	"google.golang.org/grpc/credentials"

	"armor/internal/sparselog"
)

// reporting are a server's credentials that log handshakes that fail: the caller often sees only that the connection ended.
type reporting struct {
	credentials.TransportCredentials
	log       *slog.Logger
	strangers *sparselog.Log
}

// ServerHandshake implements credentials.TransportCredentials.
func (r reporting) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info, err := r.TransportCredentials.ServerHandshake(conn)
	if err != nil && !errors.Is(err, io.EOF) { // EOF: a port scan or a probe of the load balancer
		r.strangers.Say(r.log, slog.LevelWarn, "a caller's TLS handshake failed", "peer", conn.RemoteAddr().String(), "reason", err.Error())
	}
	return secure, info, err
}

// Clone implements credentials.TransportCredentials.
func (r reporting) Clone() credentials.TransportCredentials {
	return reporting{r.TransportCredentials.Clone(), r.log, r.strangers}
}
