package indexer

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A trouble is said at its beginning, now and then, and at its end; one that was never said has no end either.
func TestTroubleIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		log := slog.New(slog.NewTextHandler(&said, nil))
		newBackOff().over(log, "works again")
		wait := newBackOff()
		for range 100 {
			wait.report(log, "it fails", errors.New("no"))
			time.Sleep(time.Second)
		}
		wait.over(log, "works again")
		if fails, ends := strings.Count(said.String(), "it fails"), strings.Count(said.String(), "works again"); fails != 4 || ends != 1 {
			t.Errorf("%d lines of failure, %d of the end:\n%s", fails, ends, said.String())
		}
	})
}
