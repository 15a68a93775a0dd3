package uplink

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func unavailable(text string) error { return status.Error(codes.Unavailable, text) }

func TestExplain(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
		not  string
	}{
		"end":             {nil, "the manager ended the stream", "Unknown"},
		"plain error":     {errors.New("it broke"), "it broke", "Unknown"},
		"ports":           {unavailable("write tcp 127.0.0.1:47440->127.0.0.1:40121: write: broken pipe"), "Unavailable: write: broken pipe", "47440"},
		"wrapped":         {unavailable(`connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:9: connect: connection refused"`), "127.0.0.1:9: connect: connection refused", "desc"},
		"refused":         {unavailable(`connection error: desc = "error reading server preface: remote error: tls: unknown certificate authority"`), "is it still valid?", "desc"},
		"wrong authority": {unavailable(`connection error: desc = "transport: authentication handshake failed: tls: failed to verify certificate: x509: \"signed\" by unknown authority"`), "manager.tls.ca", `\"`},
		"plain server":    {unavailable(`connection error: desc = "transport: authentication handshake failed: tls: first record does not look like a TLS handshake"`), "remove manager.tls", "desc"},
		"not serving":     {unavailable(`connection error: desc = "error reading server preface: raw-read tcp 127.0.0.1:5->127.0.0.1:6: use of closed network connection"`), "not ready yet", "127.0.0.1:5"},
	} {
		if got := explain(c.err); !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%s: %q, want %q in it and not %q", name, got, c.want, c.not)
		}
	}
}

// The same cause is one line, whatever the ports and however the connection ends.
func TestDisconnectedIsSaidOnce(t *testing.T) {
	var said strings.Builder
	u := &Uplink{log: slog.New(slog.NewTextHandler(&said, nil))}
	for _, text := range []string{
		`connection error: desc = "error reading server preface: remote error: tls: expired certificate"`,
		"write tcp 127.0.0.1:1->127.0.0.1:2: write: broken pipe",
		"write tcp 127.0.0.1:3->127.0.0.1:2: write: broken pipe",
	} {
		u.disconnected(unavailable(text), time.Second)
	}
	if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(u.Status().Reason, "expired certificate") {
		t.Errorf("%d lines, reason %q:\n%s", n, u.Status().Reason, said.String())
	}
}
