package embedded_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/embedded"
	"armor/indexer/query"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

// realistic makes an alert as a syslog line gives it: a document of about 900 bytes, one of 40 rules, one of 20 agents.
func realistic(i int) store.Document {
	sum := sha256.Sum256(fmt.Append(nil, i))
	rule := i * 7 % 40
	a := &armorv1.Alert{
		Id: hex.EncodeToString(sum[:16]), Time: timestamppb.New(july.Add(time.Duration(i) * 20 * time.Millisecond)), DetectedTime: timestamppb.New(july),
		Rule: &armorv1.AlertRule{Id: uint32(5000 + rule), Level: uint32(rule % 16), Description: fmt.Sprintf("rule number %d has fired", rule),
			Groups: []string{"syslog", fmt.Sprintf("group%d", rule%8)}, FiredTimes: uint64(i)},
		Agent: &armorv1.AlertAgent{Id: fmt.Sprintf("%03d", i%20), Name: fmt.Sprintf("host-%d", i%20)}, ManagerName: "manager", Decoder: &armorv1.AlertDecoder{Name: "sshd"},
		Location: "/var/log/auth.log", FullLog: []byte("Jul 10 10:00:01 host sshd[1234]: " + strings.Repeat("Failed password for root ", 8)),
		Data: fmt.Appendf(nil, `{"srcip":"10.0.%d.%d","srcuser":"root","srcport":"%d"}`, i%200, i%250, i%60000),
	}
	return store.Document{ID: a.Id, Time: document.Time(a), Alert: a, JSON: document.Append(nil, a, july)}
}

func BenchmarkWrite(b *testing.B) {
	for _, batch := range []int{1000, 4000} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			s, err := embedded.Open(b.TempDir(), embedded.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			list := make([]store.Document, batch)
			n := 0
			var used time.Duration // processor time of the writes alone: the machine may be busy with other work
			for b.Loop() {
				b.StopTimer()
				for i := range list {
					list[i] = realistic(n)
					n++
				}
				before := processorTime(b)
				b.StartTimer()
				if _, err := s.Write(b.Context(), list); err != nil {
					b.Fatal(err)
				}
				used += processorTime(b) - before
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "alerts/s")
			b.ReportMetric(float64(n)/used.Seconds(), "alerts/cpu-s")
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkQuestions(b *testing.B) {
	const alerts = 300_000
	s, err := embedded.Open(b.TempDir(), embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var list []store.Document
	for i := range alerts {
		if list = append(list, realistic(i)); len(list) == 10_000 {
			if _, err := s.Write(b.Context(), list); err != nil {
				b.Fatal(err)
			}
			list = list[:0]
		}
	}
	parse := func(text string) store.Filter {
		n, err := query.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		return store.Filter{Query: n}
	}
	ask := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	search := func(text string) func() error {
		return func() error {
			_, err := s.Search(b.Context(), store.Search{Filter: parse(text), Size: 50})
			return err
		}
	}
	aggregate := func(text, field string, interval time.Duration) func() error {
		return func() error {
			_, err := s.Aggregate(b.Context(), store.Aggregation{Filter: parse(text), Field: field, Size: 5, Interval: interval})
			return err
		}
	}
	ask("newest 50", search(""))
	ask("newest 50 of a group", search("rule.groups:group3 AND rule.level:>3"))
	ask("newest 50 by data", search("data.srcip:10.0.7.*"))
	ask("newest 50 by word", search("password AND absent"))
	ask("pie", aggregate("", "rule.description", 0))
	ask("stacked groups", aggregate("", "rule.groups", time.Minute))
	ask("stacked groups of an agent", aggregate("agent.id:003", "rule.groups", time.Minute))
	ask("top source addresses", aggregate("", "data.srcip", 0))
}
