package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"armor/agent/cloudtrail/cloudtest"
	"armor/internal/testenv"
	"armor/test/ledger"
)

// fillBucket puts the real records into a bucket as CloudTrail does, and returns how many objects that are.
func fillBucket(t *testing.T, cloud *cloudtest.Cloud, bucket, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(entry.Name(), ".json") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		cloud.Put(bucket, "AWSLogs/218007301253/CloudTrail/us-east-1/2023/07/10/"+entry.Name(), content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A queue and a listing of the same bucket, with all the processes: each alert is there once, and no message is deleted before the manager
// has finished its records, although the manager is killed in between.
func TestCloudTrailFromAWS(t *testing.T) {
	cloudtest.Environment(t)
	cloud := cloudtest.New(t, testenv.Moto(t).URL())
	dir, rows := cloudtrailData(t)
	bucket, queue := cloud.Bucket("trail"), cloud.Queue("trail", 30)
	cloud.Notify(bucket, queue)
	objects := fillBucket(t, cloud, bucket, dir)
	want := expected(rows)
	c := newCluster(t, "", "")
	c.nats = testenv.NATSProcess(t)
	c.startManager()
	c.startIndexer()
	eventually(t, "the manager has its token", func() error { _, err := os.Stat(c.managerToken()); return err })
	c.manager.kill()
	aws := fmt.Sprintf("region: %s, path_style: true, endpoints: {s3: %q, sqs: %q}", cloudtest.Region, cloud.URL(), cloud.URL())
	agent := c.config("agent", fmt.Sprintf(`
agent: {id: "001"}
manager: {address: %q, token_file: %s}
data_dir: %s
inputs:
  - {type: cloudtrail, mode: sqs, aws: {queue: %q, visibility_timeout: 30s, %s}}
  - {type: cloudtrail, mode: bucket, aws: {bucket: %s, since: 2023-07-01, poll: 1s, %s}}
debug: {listen: %q}
`, c.managerAddress, c.managerToken(), filepath.Join(c.dir, "agent"), queue, aws, bucket, aws, c.debug[0]))
	c.agents[0] = start(t, "armor-agent", "--config", agent)
	waiting := func(visible, inFlight string) func() error {
		return func() error {
			if v, f := cloud.Waiting(queue); v != visible || f != inFlight {
				return fmt.Errorf("%s visible, %s in flight", v, f)
			}
			return nil
		}
	}
	eventually(t, "all messages are in flight", waiting("0", fmt.Sprint(objects)))
	eventually(t, "all records are spooled", func() error {
		counters, err := c.agentMetrics(0)
		if err == nil && counters["read"] < 4000 {
			err = fmt.Errorf("%v", counters)
		}
		return err
	})
	if err := waiting("0", fmt.Sprint(objects))(); err != nil {
		t.Errorf("messages are deleted without a manager: %v", err)
	}
	c.startManager()
	eventually(t, "the manager works", c.reached("manager", "accepted", 1))
	c.manager.kill()
	c.agents[0].kill() // and the agent, with messages in flight
	c.agents[0] = start(t, "armor-agent", "--config", agent)
	c.startManager()
	c.settle(want)
	eventually(t, "the queue is empty", waiting("0", "0"))
	if counters, err := c.counters(c.managerAddress, c.managerToken()); err != nil || counters["duplicate"] > 0 {
		t.Errorf("evaluated twice: %v %v", counters, err)
	}
	c.stop()
}

// `armor up` reads a bucket too, with what every AWS program takes from the environment; a bucket that is not there ends it with 1.
func TestUpFromABucket(t *testing.T) {
	cloudtest.Environment(t)
	cloud := cloudtest.New(t, testenv.Moto(t).URL())
	t.Setenv("AWS_REGION", cloudtest.Region)
	t.Setenv("AWS_ENDPOINT_URL", cloud.URL())
	dir, rows := cloudtrailData(t)
	bucket := cloud.Bucket("try-it")
	today := time.Now().UTC().Format("2006/01/02")
	for _, name := range []string{"grycap-cloudtrail-tracker.json", "traildiscover.json"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		cloud.Put(bucket, "my/AWSLogs/218007301253/CloudTrail/us-east-1/"+today+"/"+name, content)
	}
	data := filepath.Join(t.TempDir(), "data")
	upOnce(t, data, "--cloudtrail", "s3://try-it/my", "--include", specRules).must(t)
	rows = slices.DeleteFunc(slices.Clone(rows), func(r ledger.Row) bool {
		return r.File != "grycap-cloudtrail-tracker.json" && r.File != "traildiscover.json"
	})
	checkStored(t, data, expected(rows))
	if r := upOnce(t, filepath.Join(t.TempDir(), "data"), "--cloudtrail", "s3://not-there"); r.code != 1 || !strings.Contains(r.errors+r.out, "bucket not-there: it does not exist") {
		t.Errorf("code %d: %s%s", r.code, r.out, r.errors)
	}
}
