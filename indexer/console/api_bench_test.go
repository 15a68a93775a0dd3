package console

import (
	"net/http"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPageOf100000 asks what the page asks each time it draws itself, over all time, with 100,000 alerts in the embedded store.
func BenchmarkPageOf100000(b *testing.B) {
	s := openStore(b)
	const n = 100_000
	for at := 0; at < n; at += 5000 {
		hits := seed(5000, testNow.Add(-time.Duration(at)*time.Minute), time.Minute)
		write(b, s, hits...)
	}
	c := newHandler(b, Config{}, Deps{Store: s})
	for _, path := range []string{"/api/v1/span", "/api/v1/overview", "/api/v1/alerts", "/api/v1/overview?q=rule.level:>=5&f=agent.name:audit-eu", "/api/v1/overview?q=data.aws.userIdentity.userName:marta",
		"/api/v1/alerts?count=no&q=user.name:marta", "/api/v1/alerts?f=user.name:marta", "/api/v1/overview?f=user.name:marta",
		"/api/v1/boards/aws-overview", "/api/v1/boards/aws-overview?q=ci-runner"} {
		b.Run(path, func(b *testing.B) {
			before := processorTime(b) // counts on a busy machine too
			for b.Loop() {
				if w := request(b, c, path); w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64((processorTime(b)-before).Milliseconds())/float64(b.N), "cpu-ms/op")
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
