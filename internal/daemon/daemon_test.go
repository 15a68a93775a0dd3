package daemon

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func program(runs func(context.Context, sample, *Process) error) Program[sample] {
	return Program[sample]{Name: "armor-sample", Short: "A sample", Run: runs}
}

func TestExitCodes(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	fine := func(context.Context, sample, *Process) error { return nil }
	for name, test := range map[string]struct {
		args    []string
		environ []string
		run     func(context.Context, sample, *Process) error
		code    int
		stderr  string
	}{
		"done":        {nil, nil, fine, ExitDone, ""},
		"failed":      {nil, nil, func(context.Context, sample, *Process) error { return errors.New("it broke") }, ExitFailed, "armor-sample: it broke"},
		"usage":       {nil, nil, func(context.Context, sample, *Process) error { return Usagef("bad setting") }, ExitUsage, "armor-sample: bad setting"},
		"flag":        {[]string{"--nope"}, nil, fine, ExitUsage, "armor-sample: unknown flag: --nope (see armor-sample --help)"},
		"argument":    {[]string{"x"}, nil, fine, ExitUsage, `armor-sample: unexpected argument "x"`},
		"no file":     {[]string{"--config", "/no/such.yaml"}, nil, fine, ExitUsage, "armor-sample: reading the configuration: stat /no/such.yaml"},
		"not valid":   {nil, []string{"ARMOR_WORKERS=-1"}, fine, ExitUsage, "armor-sample: environment variable ARMOR_WORKERS: workers: must not be negative"},
		"check":       {[]string{"--check"}, nil, func(context.Context, sample, *Process) error { return errors.New("it ran") }, ExitDone, ""},
		"port in use": {nil, []string{"ARMOR_DEBUG_LISTEN=" + busy.Addr().String()}, fine, ExitFailed, busy.Addr().String() + " is in use by another process: stop it or choose another port"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(program(test.run), test.args, append(test.environ, "ARMOR_LOG_LEVEL=error"), &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if got := stderr.String(); !strings.Contains(got, test.stderr) || strings.Count(got, "\n") > 1 {
				t.Errorf("standard error %q, want one line with %q", got, test.stderr)
			}
		})
	}
}

func TestVersionFlag(t *testing.T) {
	var stdout bytes.Buffer
	if code := run(program(nil), []string{"--version"}, nil, &stdout, io.Discard); code != ExitDone || !strings.Contains(stdout.String(), Version()) {
		t.Errorf("exit code %d, output %q", code, stdout.String())
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine(errors.Join(errors.New("a"), errors.New("b\n  c"))); got != "a; b; c" {
		t.Errorf("got %q", got)
	}
}

func TestSignals(t *testing.T) {
	var reloads atomic.Int32
	running := make(chan struct{})
	code := make(chan int)
	go func() {
		code <- run(program(func(ctx context.Context, _ sample, p *Process) error {
			reloaded := make(chan struct{})
			p.OnReload(func(context.Context) { reloads.Add(1); close(reloaded) })
			close(running)
			<-reloaded
			if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}), nil, []string{"ARMOR_LOG_LEVEL=error"}, io.Discard, io.Discard)
	}()
	<-running
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != ExitDone || reloads.Load() != 1 {
		t.Errorf("exit code %d, %d reloads", got, reloads.Load())
	}
}

func TestDebugServer(t *testing.T) {
	p := &Process{Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()}
	p.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "armor_sample_total"}, func() float64 { return 7 }))
	broken := errors.New("NATS is away")
	var down atomic.Bool
	p.OnReady("stream", func() error {
		if down.Load() {
			return broken
		}
		return nil
	})
	handler := localOnly(debugHandler(p))
	get := func(host, path string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.Host = host
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for _, test := range []struct {
		host, path string
		code       int
		body       string
	}{
		{"127.0.0.1:1", "/healthz", 200, "ok"},
		{"localhost", "/readyz", 200, "ready"},
		{"[::1]:9", "/metrics", 200, "armor_sample_total 7"},
		{"127.0.0.1", "/debug/pprof/", 200, "goroutine"},
		{"127.0.0.1", "/", 404, ""},
		{"evil.example:80", "/metrics", 403, "ask by address"},
	} {
		if code, body := get(test.host, test.path); code != test.code || !strings.Contains(body, test.body) {
			t.Errorf("%s%s: %d %.80q", test.host, test.path, code, body)
		}
	}
	down.Store(true)
	if code, body := get("127.0.0.1", "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "stream: NATS is away") {
		t.Errorf("readyz: %d %q", code, body)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"address", "token_file", "tls"}
	for word, want := range map[string]string{"adress": "address", "tokenfile": "token_file", "tsl": "tls", "zebra": "", "": ""} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// A duration carries its unit in either form.
func TestDurationsInTheLog(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		var said bytes.Buffer
		newLogger(LogConfig{Level: "info", Format: format}, &said).Info("x", "after", 1500*time.Millisecond)
		if !strings.Contains(said.String(), "1.5s") {
			t.Errorf("%s: %s", format, said.String())
		}
	}
}
