package rpc_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"armor/internal/rpc"
)

// said is a log that many goroutines write.
type said struct {
	mu    sync.Mutex
	text  strings.Builder
	wrote chan struct{} // takes one word of news
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.wrote <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// A server says why it refused a caller, who may see no more than the end of the connection.
func TestStrangersAreReported(t *testing.T) {
	dir, other := authority(t), authority(t)
	log := said{wrote: make(chan struct{}, 1)}
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: "127.0.0.1:0", TLS: files(dir, "manager")}, slog.New(slog.NewTextHandler(&log, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(t.Context())
	defer server.Close()
	mixed := files(other, "anna")
	mixed.CA = filepath.Join(dir, "ca.crt")
	_, err = caller(t, dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: mixed}))
	wantCode(t, "another authority's client", err, codes.Unavailable)
	// The caller may hear of it before the server has written its line.
	for {
		if got := log.String(); strings.Contains(got, "handshake failed") && strings.Contains(got, "unknown authority") {
			return
		}
		select {
		case <-log.wrote:
		case <-time.After(30 * time.Second):
			t.Fatalf("the log: %s", log.String())
		}
	}
}
