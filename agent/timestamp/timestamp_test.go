package timestamp

import (
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestTime(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		line string
		want string // RFC 3339; empty: none
	}{
		"rfc3339":              {Config{Layout: "rfc3339"}, "2025-12-31T23:59:59.123456789+02:00 host app: text", "2025-12-31T21:59:59.123456789Z"},
		"rfc3339 with a blank": {Config{Layout: "rfc3339"}, "2025-12-31 23:59:59Z text", "2025-12-31T23:59:59Z"},
		"rfc3339 alone":        {Config{Layout: "rfc3339"}, "2025-12-31T23:59:59Z", "2025-12-31T23:59:59Z"},
		"in brackets":          {Config{Layout: "rfc3339"}, "[2025-12-31T23:59:59Z] text", "2025-12-31T23:59:59Z"},
		"none":                 {Config{Layout: "rfc3339"}, "text 2025-12-31T23:59:59Z", ""},
		"empty":                {Config{Layout: "rfc3339"}, "", ""},
		"a bad day":            {Config{Layout: "rfc3339"}, "2025-02-30T23:59:59Z text", ""},
		"too far ahead":        {Config{Layout: "rfc3339"}, "2026-01-03T03:04:06Z text", ""},
		"ahead":                {Config{Layout: "rfc3339"}, "2026-01-03T03:04:05Z text", "2026-01-03T03:04:05Z"},
		"syslog, this year":    {Config{Layout: "rfc3164", Zone: "UTC"}, "Jan  2 03:04:05 host sshd[1]: x", "2026-01-02T03:04:05Z"},
		"syslog, last year":    {Config{Layout: "syslog", Zone: "UTC"}, "Dec 31 23:00:00 host sshd[1]: x", "2025-12-31T23:00:00Z"},
		"syslog, priority":     {Config{Layout: "syslog", Zone: "UTC"}, "<134>Oct 11 22:14:15 host x", "2025-10-11T22:14:15Z"},
		"syslog, leap day":     {Config{Layout: "syslog", Zone: "UTC"}, "Feb 29 01:00:00 host x", "2024-02-29T01:00:00Z"},
		"syslog, zone":         {Config{Layout: "syslog", Zone: "Europe/Berlin"}, "Jul  1 12:00:00 host x", "2025-07-01T10:00:00Z"},
		"syslog, no time":      {Config{Layout: "syslog", Zone: "UTC"}, "last message repeated 2 times", ""},
		"epoch":                {Config{Layout: "epoch"}, "1700000000 text", "2023-11-14T22:13:20Z"},
		"epoch with fraction":  {Config{Layout: "epoch"}, "1700000000.250 text", "2023-11-14T22:13:20.25Z"},
		"epoch, audit":         {Config{Layout: "epoch"}, "-1", ""},
		"epoch, huge":          {Config{Layout: "epoch"}, "99999999999999999999", ""},
		"epoch_ms":             {Config{Layout: "epoch_ms"}, "1700000000123", "2023-11-14T22:13:20.123Z"},
		"strftime":             {Config{Layout: "%d/%b/%Y:%H:%M:%S %z"}, "[10/Oct/2000:13:55:36 -0700] GET", "2000-10-10T20:55:36Z"},
		"strftime, fraction":   {Config{Layout: "%F %T.%f", Zone: "UTC"}, "2024-05-06 07:08:09.123456 x", "2024-05-06T07:08:09.123456Z"},
		"comma":                {Config{Layout: "%Y-%m-%d %H:%M:%S", Zone: "UTC"}, "2024-05-06 07:08:09,123 INFO", "2024-05-06T07:08:09.123Z"},
		"go":                   {Config{Layout: "02.01.2006 15:04", Zone: "UTC"}, "31.12.2024 23:15 Anna", "2024-12-31T23:15:00Z"},
		"json":                 {Config{Layout: "rfc3339", Field: "time"}, `{"a":1,"time":"2024-05-06T07:08:09Z"}`, "2024-05-06T07:08:09Z"},
		"json, inner":          {Config{Layout: "epoch", Field: "a.t"}, `{"a":{"t":1700000000.5}}`, "2023-11-14T22:13:20.5Z"},
		"json, not there":      {Config{Layout: "epoch", Field: "a.t"}, `{"a":[1]}`, ""},
		"json, cut":            {Config{Layout: "epoch", Field: "t"}, `{"t":1700000000,`, ""},
		"json, null":           {Config{Layout: "rfc3339", Field: "t"}, `{"t":null}`, ""},
	} {
		p, err := New(c.cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		at, ok := p.Time([]byte(c.line), now)
		got := ""
		if ok {
			got = at.UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for layout, want := range map[string]string{
		"": "missing", "%Y-%Q": "%Q is not known", "%Y-%": "ends in the middle", "15:04:05": "names no day", "%Y 7": "cannot be read",
		"%S%f": "has to follow", "2006-01-02": "names no day and hour", "nonsense": "names no day",
	} {
		if err := (&Config{Layout: layout}).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", layout, err, want)
		}
	}
	if err := (&Config{Layout: "rfc3164", Zone: "Nowhere/City"}).Validate(); err == nil || !strings.Contains(err.Error(), "zone: ") {
		t.Error(err)
	}
}

// FuzzTime: whatever a line holds, a time that is found is not ahead, and the spool can keep it.
func FuzzTime(f *testing.F) {
	var parsers []*Parser
	for _, cfg := range []Config{{Layout: "rfc3339"}, {Layout: "syslog"}, {Layout: "epoch"}, {Layout: "epoch_ms"}, {Layout: "%a %d %b %y %I:%M %p %Z"}, {Layout: "epoch", Field: "t"}} {
		p, err := New(cfg)
		if err != nil {
			f.Fatal(err)
		}
		parsers = append(parsers, p)
	}
	f.Add([]byte("<1>Feb 29 01:02:03 x"))
	f.Add([]byte(`{"t":"1.2.3"}`))
	f.Add([]byte("9999-12-31T23:59:59.999999999+23:59"))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, p := range parsers {
			if at, ok := p.Time(line, now); ok && (at.After(now.Add(ahead)) || at.Year() < 0) {
				t.Errorf("%v", at)
			}
		}
	})
}

func BenchmarkTime(b *testing.B) {
	for _, c := range []struct {
		cfg  Config
		line string
	}{
		{Config{Layout: "rfc3339"}, "2025-12-31T23:59:59.123456+02:00 host app: text and more text"},
		{Config{Layout: "syslog"}, "Jan  2 03:04:05 host sshd[1234]: Failed password for root"},
	} {
		p, err := New(c.cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.cfg.Layout, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Time([]byte(c.line), now)
			}
		})
	}
}
