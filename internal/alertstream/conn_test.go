package alertstream

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"armor/internal/alertstream/embedded"
)

// foreign starts a server that Armor did not configure.
func foreign(t *testing.T, opts server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.NoSigs, opts.NoLog = "127.0.0.1", true, true
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	if opts.StoreDir == "" {
		opts.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(&opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(deadline) {
		t.Fatal("the server does not start")
	}
	return s
}

func TestConnectWaitsForTheServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{URL: "nats://" + address}, silent, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	opened := make(chan error)
	go func() { opened <- c.Open(within(t)) }()
	eventually(t, "the reason in the readiness", func() bool {
		err := c.Ready()
		return err != nil && strings.Contains(err.Error(), "connecting to NATS at nats://"+address)
	})
	startServer(t, embedded.Config{Listen: address})
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}

func TestConnectGivesUpWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := Connect(ctx, Config{URL: "nats://127.0.0.1:1"}, silent, nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no servers available") {
		t.Errorf("got %v, want the deadline and the last reason", err)
	}
}

func TestMismatchNamesStreamSettingAndValues(t *testing.T) {
	own := func(edit func(*jetstream.StreamConfig)) jetstream.StreamConfig {
		cfg := Config{}.alertStreamConfig()
		cfg.MaxBytes = 1 << 30
		edit(&cfg)
		return cfg
	}
	letters := Config{}.deadLetterStreamConfig()
	letters.MaxAge = time.Hour
	for name, tc := range map[string]struct {
		stream jetstream.StreamConfig
		config Config
		want   MismatchError
	}{
		"discard":    {own(func(s *jetstream.StreamConfig) { s.Discard = jetstream.DiscardOld }), Config{}, MismatchError{AlertStream, "discard", "DiscardOld", "DiscardNew"}},
		"storage":    {own(func(s *jetstream.StreamConfig) { s.Storage = jetstream.MemoryStorage; s.MaxBytes = -1 }), Config{}, MismatchError{AlertStream, "storage", "Memory", "File"}},
		"retention":  {own(func(s *jetstream.StreamConfig) { s.Retention = jetstream.WorkQueuePolicy }), Config{}, MismatchError{AlertStream, "retention", "WorkQueue", "Limits"}},
		"subjects":   {own(func(s *jetstream.StreamConfig) { s.Subjects = []string{"armor.alerts.>"} }), Config{}, MismatchError{AlertStream, "subjects", "[armor.alerts.>]", "[armor.alerts.*.*.*]"}},
		"max_bytes":  {own(func(*jetstream.StreamConfig) {}), Config{MaxBytes: 2 << 30}, MismatchError{AlertStream, "max_bytes", "1073741824", "2147483648"}},
		"duplicates": {own(func(*jetstream.StreamConfig) {}), Config{DuplicatesWindow: time.Hour}, MismatchError{AlertStream, "duplicate_window", "2m0s", "1h0m0s"}},
		"letters":    {letters, Config{}, MismatchError{DeadLetterStream, "max_age", "1h0m0s", "none (it would remove alerts that are not finished)"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, embedded.Config{})
			nc, err := nats.Connect("", nats.InProcessServer(s.InProcess()))
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			js, err := jetstream.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := js.CreateStream(within(t), tc.stream); err != nil {
				t.Fatal(err)
			}
			cfg := tc.config
			cfg.InProcess = s.InProcess()
			_, err = Connect(within(t), cfg, silent, nil)
			var got *MismatchError
			if !IsPermanent(err) || !errors.As(err, &got) {
				t.Fatalf("got %v, want a permanent mismatch", err)
			}
			if *got != tc.want {
				t.Errorf("got %+v, want %+v", *got, tc.want)
			}
		})
	}
}

func TestUnsetSettingsAcceptWhatExists(t *testing.T) {
	s := startServer(t, embedded.Config{})
	first := connect(t, Config{InProcess: s.InProcess(), MaxBytes: 1 << 25, DuplicatesWindow: time.Minute})
	first.Close()
	connect(t, Config{InProcess: s.InProcess()})
}

func TestPermanentReasons(t *testing.T) {
	for name, tc := range map[string]struct {
		opts server.Options
		cfg  Config
		want string
	}{
		"payload":   {server.Options{JetStream: true, MaxPayload: 100_000}, Config{}, "set max_payload"},
		"jetstream": {server.Options{}, Config{}, "jetstream not enabled"},
		"space":     {server.Options{JetStream: true, JetStreamMaxStore: 1 << 20}, Config{MaxBytes: 1 << 30}, "max_bytes 1073741824"},
		"replicas":  {server.Options{JetStream: true}, Config{Replicas: 3}, "replicas"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tc.cfg
			cfg.URL = foreign(t, tc.opts).ClientURL()
			_, err := Connect(within(t), cfg, silent, nil)
			if !IsPermanent(err) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want a permanent error with %q", err, tc.want)
			}
		})
	}
}

func TestWrongPasswordIsShownAndMended(t *testing.T) {
	s := foreign(t, server.Options{JetStream: true, Username: "armor", Password: "right"})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{URL: s.ClientURL(), User: "armor", PasswordFile: file}, silent, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	opened := make(chan error)
	go func() { opened <- c.Open(within(t)) }()
	eventually(t, "the reason in the readiness", func() bool {
		err := c.Ready()
		return err != nil && strings.Contains(err.Error(), `the server refuses us (user "armor" with nats.password_file`)
	})
	if err := os.WriteFile(file, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	publish(t, c.NewPublisher(10), 0, 10).check(t, 10)
}

func TestConfigReportsEverything(t *testing.T) {
	err := Config{User: "u", CredentialsFile: "c", TLS: TLS{Key: "k"}, Replicas: 9, MaxBytes: 5, DuplicatesWindow: 1, AckTimeout: 1, Janitor: JanitorConfig{Interval: -1}}.Validate()
	for _, want := range []string{"password_file", "exclude each other", "tls.certificate", "replicas is 9", "max_bytes is 5", "duplicates_window", "ack_timeout", "janitor.interval"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not name %q", err, want)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}

func TestStreamsAreMadeAgainWhenTheServerLostItsData(t *testing.T) {
	first := startServer(t, embedded.Config{Listen: "127.0.0.1:0"})
	url := first.ClientURL()
	c := connect(t, Config{URL: url, AckTimeout: time.Second})
	p := c.NewPublisher(10)
	publish(t, p, 0, 5).check(t, 5)
	first.Shutdown()
	startServer(t, embedded.Config{Listen: url[len("nats://"):]})
	publish(t, p, 5, 10).check(t, 5)
	if n := messages(t, c, AlertStream); n != 5 {
		t.Errorf("%d alerts in the new stream, want 5", n)
	}
}
