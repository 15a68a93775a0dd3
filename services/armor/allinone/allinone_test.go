package allinone

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"armor/indexer/elastic"
	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/datadir"
	"armor/services/armor/sample"
)

func config(t *testing.T) Config {
	t.Helper()
	dir, err := datadir.Open(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	return Config{Dir: dir, Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0", Version: "test"}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// The whole life: the sample is read into the store and everything balances; a second run finds nothing new.
func TestRunFinishesAndGoesOn(t *testing.T) {
	cfg := config(t)
	folder := t.TempDir()
	if err := sample.WriteCloudTrail(folder); err != nil {
		t.Fatal(err)
	}
	cfg.DebugListen = "127.0.0.1:0"
	cfg.CloudTrail, cfg.ExitWhenIdle = []string{folder}, 200*time.Millisecond
	started, alerts := 0, 0
	events := Events{
		Started: func(s Started) {
			started++
			if running, ok, err := cfg.Dir.Running(); err != nil || !ok || running != s.Endpoints {
				t.Errorf("endpoints while it runs: %+v, %v, %v", running, ok, err)
			}
			metrics, err := http.Get("http://" + s.Endpoints.Debug + "/metrics")
			if err != nil {
				t.Error(err)
				return
			}
			defer metrics.Body.Close()
			if text, err := io.ReadAll(metrics.Body); err != nil || !strings.Contains(string(text), "armor_indexer_indexed_total") {
				t.Errorf("metrics: %v, %.200s", err, text)
			}
		},
		Alert: func(*armorv1.Alert) { alerts++ },
	}
	first, err := Run(t.Context(), cfg, events, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if started != 1 || first.Read == 0 || first.Alerts == 0 || first.Indexed != first.Alerts || uint64(alerts) != first.Alerts || !first.Clean() {
		t.Errorf("started %d, alerts told %d, %+v", started, alerts, first)
	}
	second, err := Run(t.Context(), cfg, Events{}, quiet())
	if err != nil || second.Read != 0 || second.Indexed != 0 || !second.Clean() {
		t.Errorf("second run: %+v, %v", second, err)
	}
	if _, ok, err := cfg.Dir.Running(); ok || err != nil {
		t.Errorf("it is still announced: %v, %v", ok, err)
	}
}

// A run that is told to end ends without an error, whatever it waits for.
func TestRunEndsWhenTold(t *testing.T) {
	cfg := config(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := Run(ctx, cfg, Events{Started: func(Started) { cancel() }}, quiet()); err != nil {
		t.Error(err)
	}
	cfg = config(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(cancelled, cfg, Events{}, quiet()); err != nil {
		t.Errorf("cancelled before it starts: %v", err)
	}
}

func TestWhatTheCallerCanMend(t *testing.T) {
	cfg := config(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, set := range []func(*Config){
		func(c *Config) { c.Listen = taken.Addr().String() },
		func(c *Config) { c.GRPCListen = taken.Addr().String() },
		func(c *Config) { c.DebugListen = taken.Addr().String() },
	} {
		c := cfg
		set(&c)
		var address *AddressError
		if _, err := Run(t.Context(), c, Events{}, quiet()); !errors.As(err, &address) || !strings.Contains(err.Error(), "listen") {
			t.Errorf("an address in use: %v", err)
		}
	}
	if err := cfg.Dir.ChooseStore(datadir.Store{Kind: datadir.Embedded}); err != nil {
		t.Fatal(err)
	}
	cfg.Elasticsearch = elastic.Config{URLs: []string{"http://127.0.0.1:1"}}
	var store *StoreError
	if _, err := Run(t.Context(), cfg, Events{}, quiet()); !errors.As(err, &store) {
		t.Errorf("another kind of store: %v", err)
	}
	unlock, err := cfg.Dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	var inUse *datadir.InUseError
	if _, err := Run(t.Context(), cfg, Events{}, quiet()); !errors.As(err, &inUse) {
		t.Errorf("a directory in use: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := (Config{Listen: "x", GRPCListen: "y", ExitWhenIdle: -1}).Validate(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("Validate: %v", err)
	}
}
