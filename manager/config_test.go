package manager

import (
	"strings"
	"testing"

	"armor/internal/alertstream"
	"armor/manager/pipeline"
	"armor/rules/selection"
)

func TestDefaultConfigIsValid(t *testing.T) {
	c := DefaultConfig().WithDefaults()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if err := c.GRPC.Validate(); err != nil {
		t.Error(err)
	}
	if c.Name == "" || c.GRPC.TokenFile != "/var/lib/armor-manager/token" || c.Pipeline.Window != 8000 {
		t.Errorf("%+v", c)
	}
}

func TestTokenFollowsDataDir(t *testing.T) {
	c := DefaultConfig()
	c.DataDir = "/elsewhere"
	if got := c.WithDefaults().GRPC.TokenFile; got != "/elsewhere/token" {
		t.Errorf("token file %s", got)
	}
}

func TestConfigReportsEverythingAtOnce(t *testing.T) {
	err := Config{
		Name:     "two\nlines",
		NATS:     alertstream.Config{Replicas: 7},
		Ruleset:  selection.Config{Include: []string{"["}},
		Pipeline: pipeline.Config{Workers: -1, Window: 5, WindowBytes: 5, TotalBytes: 5, PublishWindow: -1},
	}.Validate()
	for _, want := range []string{"name", "replicas is 7", "ruleset: include", "workers is -1", "window is 5", "window_bytes", "total_bytes", "publish_window"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not name %q", err, want)
		}
	}
}
