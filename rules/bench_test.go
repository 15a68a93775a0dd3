package rules_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"armor/internal/testenv"
	"armor/rules"
	"armor/rules/ruleset"
)

// benchmark evaluates lines over and over in one goroutine and reports events per second.
func benchmark(b *testing.B, rs *rules.Ruleset, lines []string) {
	b.Helper()
	benchmarkWith(b, rules.NewEngine(rs, rules.EngineOptions{}), lines)
}

func benchmarkWith(b *testing.B, engine *rules.Engine, lines []string) {
	b.Helper()
	x := engine.NewEvaluation()
	ev := rules.Event{Location: "/var/log/auth.log"}
	bytes := 0
	for _, l := range lines {
		bytes += len(l)
	}
	b.SetBytes(int64(bytes / len(lines)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		ev.Log = lines[i%len(lines)]
		engine.Decode(&ev, x)
		engine.Match(x)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func shipped(b *testing.B) *rules.Ruleset {
	b.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: ruleset.FS()})
	if err != nil {
		b.Fatal(err)
	}
	return rs
}

func sshdLines(b *testing.B) []string {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(testenv.Data(b), "syslog", "loghub-openssh.log"))
	if err != nil {
		b.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func cloudTrailLines(b *testing.B) []string {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(testenv.Data(b), "cloudtrail", "traildiscover.json"))
	if err != nil {
		b.Fatal(err)
	}
	var doc struct{ Records []json.RawMessage }
	if err := json.Unmarshal(data, &doc); err != nil {
		b.Fatal(err)
	}
	var lines []string
	for _, r := range doc.Records {
		var buf bytes.Buffer
		buf.WriteString(`{"integration":"aws","aws":{"log_info":{"aws_account_alias":"","log_file":"f","s3bucket":"b"},"source":"cloudtrail","aws_account_id":"1",`)
		var c bytes.Buffer
		if err := json.Compact(&c, r); err != nil {
			b.Fatal(err)
		}
		buf.Write(c.Bytes()[1:])
		buf.WriteByte('}')
		lines = append(lines, buf.String())
	}
	return lines
}

func BenchmarkShippedCloudTrail(b *testing.B) { benchmark(b, shipped(b), cloudTrailLines(b)) }
func BenchmarkShippedSSHD(b *testing.B)       { benchmark(b, shipped(b), sshdLines(b)) }
func BenchmarkReferenceSSHD(b *testing.B)     { benchmark(b, loadReference(b), sshdLines(b)) }

func BenchmarkReferenceTestLines(b *testing.B) {
	var lines []string
	for _, g := range readGolden(b) {
		lines = append(lines, g.Log)
	}
	benchmark(b, loadReference(b), lines)
}

// BenchmarkCorpora measures the reference ruleset on the corpora of the published figures, with and without shortcuts.
func BenchmarkCorpora(b *testing.B) {
	for _, name := range testenv.Corpora() {
		for _, plain := range []bool{false, true} {
			how := "fast"
			if plain {
				how = "plain"
			}
			b.Run(name+"/"+how, func(b *testing.B) {
				benchmarkWith(b, rules.NewEngine(loadReference(b), rules.EngineOptions{Plain: plain}), testenv.Corpus(b, name, testenv.CorpusSize))
			})
		}
	}
}

func BenchmarkAppendData(b *testing.B) {
	engine := rules.NewEngine(shipped(b), rules.EngineOptions{})
	x := engine.NewEvaluation()
	ev := rules.Event{Log: cloudTrailLines(b)[0]}
	engine.Decode(&ev, x)
	v := engine.Match(x)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = v.AppendData(buf[:0])
	}
}

func BenchmarkLoadReference(b *testing.B) {
	for b.Loop() {
		loadReference(b)
	}
}

// BenchmarkDecodeChunks decodes as the manager does: 32 events at a time, each into a working memory of its own.
func BenchmarkDecodeChunks(b *testing.B) {
	engine := rules.NewEngine(shipped(b), rules.EngineOptions{})
	lines := cloudTrailLines(b)
	before := liveBytes()
	chunk := make([]*rules.Evaluation, 32)
	for i := range chunk {
		chunk[i] = engine.NewEvaluation()
	}
	n := 0
	for b.Loop() {
		for _, x := range chunk {
			engine.Decode(&rules.Event{Log: lines[n%len(lines)]}, x)
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
	b.ReportMetric((liveBytes()-before)/float64(len(chunk)), "bytes/evaluation")
	runtime.KeepAlive(engine)
	runtime.KeepAlive(chunk)
}

// liveBytes is what is in use on the heap; pools count as not in use.
func liveBytes() float64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
