package manager

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	armorv1 "armor/proto/armor/v1"
	"armor/rules/ruleset"
)

// record is a CloudTrail record of usual size; every tenth one raises an alert.
func record(n uint64) string {
	name := "DescribeInstances"
	if n%10 == 0 {
		name = "RunInstances"
	}
	return fmt.Sprintf(`{"integration":"aws","aws":{"log_info":{"aws_account_alias":"","log_file":"AWSLogs/111111111111/CloudTrail/eu-west-1/2026/11/24/f.json.gz","s3bucket":"trail"},"source":"cloudtrail","aws_account_id":"111111111111",`+
		`"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:session","arn":"arn:aws:sts::111111111111:assumed-role/deploy/session","accountId":"111111111111","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111111111111:role/deploy","accountId":"111111111111","userName":"deploy"},"attributes":{"creationDate":"2026-11-24T09:00:00Z","mfaAuthenticated":"false"}}},`+
		`"eventTime":"2026-11-24T09:30:00Z","eventSource":"ec2.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.10","userAgent":"aws-cli/2.15.0","requestParameters":{"instancesSet":{"items":[{"imageId":"ami-0abc","minCount":1,"maxCount":1}]},"instanceType":"t3.micro","monitoring":{"enabled":false}},"responseElements":{"requestId":"r-%d","reservationId":"r-0abc","instancesSet":{"items":[{"instanceId":"i-%017d","imageId":"ami-0abc","instanceState":{"code":0,"name":"pending"}}]}},"requestID":"q-%d","eventID":"e-%d","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111111111111","eventCategory":"Management"}}`, name, n, n, n, n)
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkManager is everything between an agent and JetStream: gRPC, checks, the shipped ruleset, publishing, receipts.
func BenchmarkManager(b *testing.B) {
	r := newRig(b, rigOptions{})
	r.use(ruleset.FS())
	if err := r.manager.Reload(within(b)); err != nil {
		b.Fatal(err)
	}
	l := r.hello(helloOf("001", 1, 1<<40))
	const size = 1000
	bodies := make([][]byte, size)
	for i := range bodies {
		bodies[i] = []byte(record(uint64(i)))
	}
	batch := make([]*armorv1.Event, size)
	for i := range batch {
		batch[i] = event(1, false)
		batch[i].Body, batch[i].Format, batch[i].SourceId = bodies[i], armorv1.EventFormat_EVENT_FORMAT_JSON, make([]byte, 0, 32)
	}
	done := make(chan struct{})
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	go func() {
		l.receipts(uint64(b.N))
		close(done)
	}()
	for next := uint64(1); next <= uint64(b.N); {
		n := min(size, uint64(b.N)-next+1)
		for i, ev := range batch[:n] {
			ev.Sequence = next + uint64(i)
			ev.SourceId = fmt.Appendf(ev.SourceId[:0], "%d of %p", ev.Sequence, b)
		}
		l.batch(batch[:n]...)
		next += n
	}
	<-done
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/1000, "cpu-us/event")
	r.conserved()
}
