package rpc

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen binds the address, and makes sure that plain text stays on this machine.
func listen(cfg ServerConfig) (net.Listener, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen address %s is in use by another process: stop it or choose another port: %w", cfg.Listen, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", cfg.Listen, err)
	}
	if addr, ok := l.Addr().(*net.TCPAddr); !cfg.TLS.Enabled() && (!ok || !addr.IP.IsLoopback()) {
		l.Close() // refused below
		return nil, fmt.Errorf("listen %q became %s, which reaches beyond this machine, and there is no certificate: listen on 127.0.0.1",
			cfg.Listen, l.Addr())
	}
	return l, nil
}
