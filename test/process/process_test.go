package process

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	u, err := parse("17 (a) b) S 1 17 17 0 -1 4194560 1 0 0 0 250 30 0 0 20 0 8 0 5 1 2", "Name:\ta\nVmHWM:\t  2048 kB\nVmRSS:\t    1024 kB\n")
	if want := (Usage{CPU: 2800 * time.Millisecond, Memory: 1 << 20, PeakMemory: 2 << 20}); err != nil || u != want {
		t.Errorf("%+v, %v; expected %+v", u, err, want)
	}
	for _, stat := range []string{"", "17 (a) S 1", "17 (a) S 1 17 17 0 -1 4194560 1 0 0 0 x 30 0"} {
		if _, err := parse(stat, ""); err == nil {
			t.Errorf("%q is taken", stat)
		}
	}
	if own, err := Own(); err != nil || own.Memory == 0 || own.PeakMemory < own.Memory/2 {
		t.Errorf("%+v, %v", own, err)
	}
}

func TestProcess(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := Start("shell", log, "/bin/sh", "-c", "echo hello; trap 'exit 3' TERM; while :; do sleep 0.01; done")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	said := func(context.Context) error {
		if strings.Contains(p.Tail(), "hello") {
			return nil
		}
		return errors.New("nothing was said")
	}
	if err := p.Await(t.Context(), said); err != nil {
		t.Fatal(err)
	}
	if u, err := p.Usage(); err != nil || u.Memory == 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "shell ended with 3") {
		t.Errorf("ended with %v", err)
	}
	if err := p.Await(t.Context(), func(context.Context) error { return errors.New("never") }); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("waiting for what has ended: %v", err)
	}
}
