package sparselog

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What happens very often does not fill the log, and nothing is left out without its number.
func TestSay(t *testing.T) {
	for _, c := range []struct {
		log   *Log
		lines int
		every time.Duration
		left  string
	}{
		{new(Log), 5, 30 * time.Second, `"left out before"=995`},
		{&Log{Lines: 1, Every: time.Second}, 1, time.Second, `"left out before"=999`},
	} {
		synctest.Test(t, func(t *testing.T) {
			var said strings.Builder
			to := slog.New(slog.NewTextHandler(&said, nil))
			for range 1000 {
				c.log.Say(to, slog.LevelWarn, "set aside", "alert", "x")
			}
			time.Sleep(c.every)
			c.log.Say(to, slog.LevelWarn, "set aside", "alert", "y")
			c.log.Say(to, slog.LevelWarn, "set aside", "alert", "z")
			if got := said.String(); strings.Count(got, "\n") < c.lines+1 || strings.Count(got, "\n") > c.lines+2 || strings.Count(got, c.left) != 1 {
				t.Errorf("%d lines:\n%s", strings.Count(got, "\n"), got)
			}
		})
	}
}
