package pattern

import (
	"strings"
	"testing"
)

// benchmarkVectors matches every vector of one kind once per round; ns/match is
// what counts.
func benchmarkVectors(b *testing.B, kind string, dialect Dialect, keep func(vector) bool) {
	type job struct {
		m    Matcher
		text string
	}
	var jobs []job
	cache := map[string]Matcher{}
	for _, v := range readVectors(b) {
		if v.Kind != kind || v.Error != "" || !keep(v) {
			continue
		}
		m := cache[v.Pattern]
		if m == nil {
			var err error
			if m, err = Compile(dialect, v.Pattern); err != nil {
				b.Fatal(err)
			}
			cache[v.Pattern] = m
		}
		jobs = append(jobs, job{m, v.String})
	}
	var sc Scratch
	b.ReportAllocs()
	for b.Loop() {
		for _, j := range jobs {
			j.m.Match(j.text, &sc)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(jobs)), "ns/match")
}

func BenchmarkOSRegexVectors(b *testing.B) {
	b.Run("hits", func(b *testing.B) {
		benchmarkVectors(b, "regex", OSRegex, func(v vector) bool { return v.Match && len(v.String) > 20 })
	})
	b.Run("misses", func(b *testing.B) {
		benchmarkVectors(b, "regex", OSRegex, func(v vector) bool { return !v.Match && len(v.String) > 20 })
	})
}

func BenchmarkOSMatchVectors(b *testing.B) {
	benchmarkVectors(b, "match", OSMatch, func(v vector) bool { return true })
}

func BenchmarkOSRegex(b *testing.B) {
	const line = "Failed password for invalid user warez from 192.241.237.101 port 54197 ssh2"
	for _, p := range []string{`^Failed \S+ for invalid user (\S+) from (\S+) port (\d+)`, `user (\.*) from (\S+)`, `\S+ port (\d+)`, `^\d+|illegal|invalid`} {
		b.Run(p, func(b *testing.B) { benchmarkOne(b, OSRegex, p, line) })
	}
}

func BenchmarkPCRE2(b *testing.B) {
	const line = `2021-04-21 10:00:01 %FTD-4-106027: Deny src outside:10.1.2.3 arn="aws:something:here" dst inside C:\\Windows\\Temp\\foo\\bar.exe trailing text of a hundred bytes or so`
	for _, p := range []string{`arn="([^"]+)"\s`, `(?i)[c-z]:\\\\Windows\\\\.+\.(exe|com|dll|vbs|js|bat|cmd)`, `^(\d+)-(\d+)`, `nothere\d+`, `(?i)(curl|wget|certutil)\.exe`, `^(?!^$).+$`} {
		b.Run(p, func(b *testing.B) { benchmarkOne(b, PCRE2, p, line) })
	}
}

func benchmarkOne(b *testing.B, d Dialect, p, text string) {
	m, err := Compile(d, p)
	if err != nil {
		b.Fatal(err)
	}
	var sc Scratch
	b.ReportAllocs()
	for b.Loop() {
		m.Match(text, &sc)
	}
}

// TestNoAllocations holds that a warm scratch makes matches free of
// allocations, in all dialects but for patterns that need a backtracking
// engine.
func TestNoAllocations(t *testing.T) {
	text := strings.Repeat("user a from b ", 20) + `arn="x" end`
	for _, tt := range []struct {
		d Dialect
		p string
	}{{OSRegex, `user (\S+) from (\S+)|^(\d+)`}, {OSRegex, `\.+arn="(\S+)" \w+$`}, {OSMatch, `^x|END$`}, {OSMatch, `!nope`}, {Exact, text},
		{PCRE2, `(\w+)\sfrom\s(\S+).*arn="([^"]*)"`}, {PCRE2, `(?i)(user|none) B`}, {PCRE2, `(?:[a-z]+\s)*arn`}, {PCRE2, `^x$|end$`}} {
		m, err := Compile(tt.d, tt.p)
		if err != nil {
			t.Fatal(err)
		}
		var sc Scratch
		m.Match(text, &sc)
		m.Test(text, &sc)
		if n := testing.AllocsPerRun(20, func() { m.Match(text, &sc); m.Test(text, &sc) }); n > 0 {
			t.Errorf("%v %s: %v allocations", tt.d, tt.p, n)
		}
	}
}
