package daemon

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ServeDebug serves /metrics, profiles and probes on an address until ctx ends, for a process that has no frame of its own. It
// returns the address once it listens. ready gives the reason why the process does not do its work now; nil when it does.
func ServeDebug(ctx context.Context, listen string, reg *prometheus.Registry, ready func() error, log *slog.Logger) (address string, err error) {
	p := &Process{Log: log, Registry: reg, Version: Version(), Start: time.Now()}
	p.OnReady("armor", ready)
	server, err := listenDebug(DebugConfig{Listen: listen}, p)
	if err != nil {
		return "", err
	}
	go server.serve(ctx)
	return server.listener.Addr().String(), nil
}
