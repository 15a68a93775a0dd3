package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// DebugConfig says where metrics, profiles and probes are served.
type DebugConfig struct {
	// Listen is host:port; empty: no debug server. It has no encryption and no login, so keep it on loopback, or on a network
	// that only the monitoring reaches.
	Listen string `yaml:"listen"`
}

// Validate reports an address that is none.
func (c DebugConfig) Validate() error {
	if c.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("debug.listen %q is not an address: write host:port, such as 127.0.0.1:9401", c.Listen)
	}
	return nil
}

// debugServer serves /metrics, /debug/pprof, /healthz and /readyz.
type debugServer struct {
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
}

func listenDebug(cfg DebugConfig, p *Process) (*debugServer, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("debug.listen %s is in use by another process: stop it or choose another port: %w", cfg.Listen, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on debug.listen %s: %w", cfg.Listen, err)
	}
	handler := debugHandler(p)
	if addr, ok := l.Addr().(*net.TCPAddr); ok && addr.IP.IsLoopback() {
		handler = localOnly(handler)
	} else {
		p.Log.Warn("the debug server is reachable from other machines, without encryption and login", "address", l.Addr().String())
	}
	p.Log.Info("debug server listens", "address", l.Addr().String())
	return &debugServer{
		log: p.Log, listener: l,
		server: &http.Server{
			Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
			ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
		},
	}, nil
}

// serve answers until ctx ends.
func (d *debugServer) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { d.server.Close() }) // probes and scrapes need no farewell
	defer stop()
	if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		d.log.Error("the debug server ended", "error", err)
	}
}

func debugHandler(p *Process) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.Registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelWarn)}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") }) // the probe has gone
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := p.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ready\n") // the probe has gone
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// localOnly refuses requests whose Host is a name: a web page that points a name at 127.0.0.1 gets nothing.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if !strings.EqualFold(host, "localhost") && (err != nil || !addr.Unmap().IsLoopback()) {
			http.Error(w, "ask by address: http://127.0.0.1:port", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
