package embedded

import (
	"fmt"
	"log/slog"
	"sync"
)

// logger hands the server's log to slog. Its notices (banner, ports, streams recovered) are details for us.
type logger struct {
	log *slog.Logger

	mu      sync.Mutex
	trouble string
}

func (l *logger) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *logger) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *logger) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }

func (l *logger) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.note(text)
	l.log.Warn(text)
}

func (l *logger) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.note(text)
	l.log.Error(text)
}

// Fatalf is what the server calls where it would end its process; ours goes on and Start reports the reason.
func (l *logger) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.note(text)
	l.log.Error(text)
}

func (l *logger) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = text
}

// last gives the last trouble that the server reported.
func (l *logger) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble == "" {
		return "it gives no reason"
	}
	return l.trouble
}
