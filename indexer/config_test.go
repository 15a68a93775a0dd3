package indexer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"armor/indexer/elastic"
)

func TestConfigFile(t *testing.T) {
	var c Config
	text := `
name: indexer-1
data_dir: /var/lib/armor-indexer
grpc: {listen: "127.0.0.1:7402"}
nats: {url: "nats://nats:4222"}
elasticsearch:
  urls: ["https://es:9200"]
  user: armor
  password_file: /etc/armor/es-password
  ca: /etc/armor/ca.pem
  index_period: week
retention: 90d
console: {listen: "127.0.0.1:7480", allowed_hosts: [armor.example.org]}
manager: {address: "127.0.0.1:7401", token_file: /t}
`
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	c = c.WithDefaults()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if time.Duration(c.Retention) != 90*day || c.Elasticsearch.IndexPeriod != "week" || c.Console.TokenFile != "/var/lib/armor-indexer/token" ||
		c.GRPC.TokenFile != c.Console.TokenFile || c.Consume.Batch != defaultBatch {
		t.Errorf("%+v", c)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestConfigMistakes(t *testing.T) {
	err := Config{Name: "a\nb", Elasticsearch: elastic.Config{URLs: []string{"x"}}, Retention: 5, Consume: ConsumeConfig{Batch: -1, Writers: 99},
		Console: ConsoleConfig{Listen: "nowhere"}}.Validate()
	for _, part := range []string{"name", "elasticsearch.urls", "retention", "consume.batch", "consume.writers", "console.listen", "token_file"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "no store") {
		t.Errorf("no store: %v", err)
	}
}

func TestAge(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "0": 0, "90d": 90 * day, "2w": 14 * day, "1y": 365 * day, "36h": 36 * time.Hour} {
		var a Age
		if err := a.UnmarshalText([]byte(text)); err != nil || time.Duration(a) != want {
			t.Errorf("%q: %v, %v", text, a, err)
		}
	}
	for _, text := range []string{"x", "d", "-1d", "1.5d", "99999999999d", "90", "-3h", "1000y"} {
		var a Age
		if err := a.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, a)
		}
	}
	if s := Age(90 * day).String(); s != "90d" {
		t.Error(s)
	}
}
