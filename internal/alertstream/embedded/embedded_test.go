package embedded

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var quiet = slog.New(slog.DiscardHandler)

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	return s
}

func stream(t *testing.T, s *Server) (context.Context, jetstream.Stream, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s.InProcess()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	st, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, st, js
}

func TestWhatWasAcknowledgedIsThereAfterARestart(t *testing.T) {
	for _, sync := range []bool{false, true} {
		t.Run(fmt.Sprintf("sync=%v", sync), func(t *testing.T) {
			dir := t.TempDir()
			for round := range 3 {
				s := start(t, Config{Dir: dir, Sync: sync})
				if url := s.ClientURL(); url != "" {
					t.Errorf("it listens on %s", url)
				}
				ctx, st, js := stream(t, s)
				if got := st.CachedInfo().State.Msgs; got != uint64(round*10) {
					t.Errorf("round %d begins with %d messages", round, got)
				}
				for range 10 {
					if _, err := js.Publish(ctx, "s", []byte("x")); err != nil {
						t.Fatal(err)
					}
				}
				s.Shutdown()
			}
		})
	}
}

func TestListenIsForOtherProcesses(t *testing.T) {
	s := start(t, Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		cfg  Config
		want string
	}{
		"port in use":      {Config{Dir: t.TempDir(), Listen: l.Addr().String()}, "address already in use"},
		"no address":       {Config{Dir: t.TempDir(), Listen: "localhost"}, "is not host:port"},
		"no directory":     {Config{}, "dir is empty"},
		"file as a folder": {Config{Dir: file}, "making its directory"},
		"negative size":    {Config{Dir: t.TempDir(), MaxBytes: -1}, "max_bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Start(tc.cfg, quiet)
			if err == nil {
				s.Shutdown()
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestItsLogGoesToSlog(t *testing.T) {
	var mu sync.Mutex
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := Start(Config{Dir: t.TempDir()}, log)
	if err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(out.String(), "JetStream") || !strings.Contains(out.String(), "component=nats") {
		t.Errorf("log: %s", out.String())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
