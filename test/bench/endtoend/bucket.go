package endtoend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"armor/rules"
	"armor/services/armor/sample"
	"armor/test/process"
)

// Bucket is a measurement of CloudTrail records from a bucket on this machine to the agent's receipts: from the start of the
// agent, which finds all objects there, to the last receipt. A receipt follows the acknowledgement of the record's alert.
type Bucket struct {
	// AlertEvery of the records is one that raises an alert by itself.
	AlertEvery       int     `json:"alert_every"`
	Records          uint64  `json:"records"`
	Alerts           uint64  `json:"alerts"`
	WallSeconds      float64 `json:"wall_seconds"`
	RecordsPerSecond float64 `json:"records_per_second"`
	Usage            Usage   `json:"usage"`
}

// askEvery is how often the agent is asked for its receipts: an answer costs it about 2 ms.
const askEvery = 100 * time.Millisecond

const (
	bucketName   = "bench-trail"
	bucketRegion = "us-east-1"
)

// cloudEnv is what clients of the server are known by, whoever runs the benchmark.
var cloudEnv = []string{"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"}

// Bucket measures n records of the sample, chosen so that one of every so many raises an alert by itself, in a folder of its
// own below dir. Rules that count events may raise some more.
func (m Machinery) Bucket(ctx context.Context, dir string, n, every int) (b Bucket, err error) {
	records, err := m.chosen(every)
	if err != nil {
		return Bucket{}, fmt.Errorf("choosing records: %w", err)
	}
	p, err := m.start(ctx, dir)
	if err != nil {
		return Bucket{}, err
	}
	defer func() { err = p.close(err) }()
	url, err := p.startS3(ctx)
	if err != nil {
		return Bucket{}, err
	}
	if err := p.fillBucket(ctx, url, records, n); err != nil {
		return Bucket{}, fmt.Errorf("filling the bucket: %w", err)
	}
	input := fmt.Sprintf("{type: cloudtrail, mode: bucket, aws: {region: %s, bucket: %s, path_style: true, endpoints: {s3: %q}}}", bucketRegion, bucketName, url)
	u, wall, alerts, err := p.measure(ctx, "bucket", func() error { return p.startAgentOn(input) }, func() error { return p.awaitReceipts(ctx, uint64(n)) })
	if err != nil {
		return Bucket{}, err
	}
	if alerts < uint64(n/every) {
		return Bucket{}, fmt.Errorf("%d of %d records were to raise an alert; on NATS there are %d", n/every, n, alerts)
	}
	return Bucket{AlertEvery: every, Records: uint64(n), Alerts: alerts, WallSeconds: wall, RecordsPerSecond: float64(n) / wall, Usage: u}, nil
}

// chosen gives records of the sample in an order of which one in every so many, the last, raises an alert by itself.
func (m Machinery) chosen(every int) ([]json.RawMessage, error) {
	all, err := sample.Records()
	if err != nil {
		return nil, err
	}
	rs, err := m.Ruleset.Load()
	if err != nil {
		return nil, err
	}
	var quiet, alerting []json.RawMessage
	for _, record := range all {
		engine := rules.NewEngine(rs, rules.EngineOptions{}) // one that remembers no other record
		x := engine.NewEvaluation()
		engine.Decode(&rules.Event{Location: "bench", Log: string(sample.AppendEvent(nil, record))}, x)
		if engine.Match(x).Alert {
			alerting = append(alerting, record)
		} else {
			quiet = append(quiet, record)
		}
	}
	if len(alerting) == 0 || len(quiet) == 0 {
		return nil, fmt.Errorf("of %d records of the sample, %d raise an alert", len(all), len(alerting))
	}
	var list []json.RawMessage
	for i := range len(alerting) * every {
		if i%every == every-1 {
			list = append(list, alerting[i/every])
		} else {
			list = append(list, quiet[i%len(quiet)])
		}
	}
	return list, nil
}

// startS3 starts moto and gives its endpoint.
func (p *plant) startS3(ctx context.Context) (url string, err error) {
	addresses, err := freeAddresses(1)
	if err != nil {
		return "", err
	}
	host, port, _ := net.SplitHostPort(addresses[0])
	if p.s3, err = process.Start("moto", filepath.Join(p.dir, "moto.log"), p.m.Python, "-m", "moto.server", "-H", host, "-p", port); err != nil {
		return "", err
	}
	url = "http://" + addresses[0]
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	return url, p.s3.Await(ctx, func(ctx context.Context) error { return answers(ctx, url+"/moto-api/") })
}

// fillBucket puts n copies of records into the bucket, where a trail would have put them today.
func (p *plant) fillBucket(ctx context.Context, url string, records []json.RawMessage, n int) error {
	dir := filepath.Join(p.dir, "objects")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := sample.WriteCopiesOf(dir, records, n); err != nil {
		return err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(bucketRegion), config.WithBaseEndpoint(url), config.WithSharedConfigFiles(nil), config.WithSharedCredentialsFiles(nil),
		config.WithCredentialsProvider(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "bench", SecretAccessKey: "bench"}, nil
		})))
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := put(ctx, client, filepath.Join(dir, file.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

func put(ctx context.Context, client *s3.Client, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	key := "AWSLogs/123456789012/CloudTrail/us-east-1/" + time.Now().UTC().Format("2006/01/02/") + filepath.Base(path)
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucketName), Key: aws.String(key), Body: f})
	return errors.Join(err, f.Close())
}

// awaitReceipts waits until the agent has the receipts of n records.
func (p *plant) awaitReceipts(ctx context.Context, n uint64) error {
	return p.poll(ctx, askEvery, fmt.Sprintf("of %d receipts", n), func() (uint64, bool, error) {
		got, err := p.receipted(ctx)
		switch {
		case err != nil: // the agent has not begun to answer
			return 0, false, nil
		case got > n:
			return got, false, fmt.Errorf("%d records are in the bucket, and there are receipts of %d", n, got)
		}
		return got, got == n, nil
	})
}
