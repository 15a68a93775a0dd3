package rpc

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

// The first handshake that fails is logged with its reason, others are counted for a while.
func TestStrangersAreReported(t *testing.T) {
	var said strings.Builder
	s := &strangers{log: slog.New(slog.NewTextHandler(&said, nil))}
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for range 3 {
		s.report(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9}, errors.New("certificate has expired"), now)
	}
	s.report(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9}, errors.New("certificate has expired"), now.Add(strangersEvery))
	if n := strings.Count(said.String(), "certificate has expired"); n != 2 || !strings.Contains(said.String(), `"others since the last line"=2`) {
		t.Errorf("%d lines:\n%s", n, said.String())
	}
}
