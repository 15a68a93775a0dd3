package rpc

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

const inProcessBuffer = 1 << 20 // bytes on the way in each direction

// InProcess gives a connection to this server from inside the process, with the identity RoleLocal. It carries real gRPC over
// memory. The caller closes it; calls wait until the server is served.
func (s *Server) InProcess() (*grpc.ClientConn, error) {
	return s.InProcessAs(Identity{Role: RoleLocal})
}

// InProcessAs is InProcess with another identity, as if the caller had that certificate.
func (s *Server) InProcessAs(id Identity) (*grpc.ClientConn, error) {
	memory := bufconn.Listen(inProcessBuffer)
	s.serveInProcess(inProcessListener{memory, id})
	options := append(clientOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return memory.DialContext(ctx) }))
	conn, err := grpc.NewClient("passthrough:///in-process", options...)
	if err != nil {
		return nil, fmt.Errorf("connecting inside the process: %w", err)
	}
	return conn, nil
}

func (s *Server) serveInProcess(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inProcess = append(s.inProcess, l)
	if s.serving {
		go s.grpc.Serve(l) //nolint:errcheck // ends with the server; an in-process listener has no failure of its own
	}
}

// inProcessListener marks what it accepts, so that nothing from the network can be taken for it.
type inProcessListener struct {
	net.Listener
	identity Identity
}

func (l inProcessListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return inProcessConn{conn, l.identity}, nil
}

type inProcessConn struct {
	net.Conn
	identity Identity
}

// inProcessInfo is the proof of identity of an in-process connection.
type inProcessInfo struct {
	credentials.CommonAuthInfo
	identity Identity
}

func (inProcessInfo) AuthType() string { return "in-process" }

// inProcessAware are a server's credentials: memory needs no handshake, the network has its own.
type inProcessAware struct {
	credentials.TransportCredentials
}

func (c inProcessAware) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if memory, ok := conn.(inProcessConn); ok {
		secure := credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}
		return conn, inProcessInfo{secure, memory.identity}, nil
	}
	return c.TransportCredentials.ServerHandshake(conn)
}

func (c inProcessAware) Clone() credentials.TransportCredentials {
	return inProcessAware{c.TransportCredentials.Clone()}
}
