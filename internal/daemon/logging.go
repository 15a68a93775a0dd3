package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// LogConfig says what is logged and how. The log goes to standard error.
type LogConfig struct {
	// Level is debug, info, warn or error: less important lines are left out.
	Level string `yaml:"level"`
	// Format is text, json, or auto: text on a terminal, json else.
	Format string `yaml:"format"`
}

// Validate names a level or format that does not exist.
func (c LogConfig) Validate() error {
	if _, err := c.level(); err != nil {
		return err
	}
	switch c.Format {
	case "auto", "text", "json":
		return nil
	}
	return fmt.Errorf("log.format %q: use auto, text or json", c.Format)
}

func (c LogConfig) level() (slog.Level, error) {
	switch strings.ToLower(c.Level) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log.level %q: use debug, info, warn or error", c.Level)
}

// newLogger makes the logger of a valid configuration.
func newLogger(c LogConfig, to io.Writer) *slog.Logger {
	level, err := c.level()
	if err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	if c.Format == "text" || c.Format == "auto" && isTerminal(to) {
		return slog.New(slog.NewTextHandler(to, options))
	}
	return slog.New(slog.NewJSONHandler(to, options))
}

// readable writes durations as 1.5s: JSON would show them as a number without its unit.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.String(a.Key, a.Value.Duration().String())
	}
	return a
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
