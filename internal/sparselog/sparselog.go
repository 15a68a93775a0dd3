// Package sparselog logs what may happen very often: a few lines, then a few more now and then, each saying how many were left
// out, so that neither the log nor the reader drowns and nothing goes unsaid.
package sparselog

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	usualLines = 5
	usualEvery = 30 * time.Second
)

// Log writes at most Lines lines per Every. The zero value writes 5 per 30 seconds. It is safe for concurrent use.
type Log struct {
	// Lines per Every; 0: 5.
	Lines int
	// Every is the time after which Lines may be written again; 0: 30 seconds.
	Every time.Duration

	mu     sync.Mutex
	since  time.Time
	lines  int
	silent int
}

// Say logs a line, or counts it.
func (l *Log) Say(to *slog.Logger, level slog.Level, what string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	every, most := l.Every, l.Lines
	if every == 0 {
		every = usualEvery
	}
	if most == 0 {
		most = usualLines
	}
	if now := time.Now(); now.Sub(l.since) >= every {
		l.since, l.lines = now, 0
	}
	if l.lines >= most {
		l.silent++
		return
	}
	l.lines++
	if l.silent > 0 {
		args = append(args[:len(args):len(args)], "left out before", l.silent)
		l.silent = 0
	}
	to.Log(context.Background(), level, what, args...)
}
