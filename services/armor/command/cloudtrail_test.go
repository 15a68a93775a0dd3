package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/agent/cloudtrail/cloudtest"
	"armor/internal/testenv"
)

// trail runs a command line without input.
func trail(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	return armor(t, "", args...)
}

func TestCloudtrailReplay(t *testing.T) {
	cloudtest.Environment(t)
	root := filepath.Join(testenv.Data(t), "cloudtrail")
	code, out, errs := trail(t, "cloudtrail", "replay", root, "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var last struct{ Counts replayCounts }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || code != 0 {
		t.Fatalf("code %d: %v %s", code, err, errs)
	}
	c := last.Counts
	if c.Files != 63 || c.Records+c.Repeated != 4106 || c.Alerts != len(lines)-1 || c.Alerts < 100 || c.Rate <= 0 || len(c.Damaged) > 0 {
		t.Errorf("%+v, %d lines", c, len(lines))
	}
	for _, line := range lines[:len(lines)-1] {
		var alert struct {
			Rule  struct{ ID string }
			Alert bool
		}
		if err := json.Unmarshal([]byte(line), &alert); err != nil || alert.Rule.ID == "" || !alert.Alert {
			t.Fatalf("%.200s: %v", line, err)
		}
	}
	// For eyes; a span; a file; the alerts into a file.
	file := filepath.Join(t.TempDir(), "alerts.json")
	code, out, _ = trail(t, "cloudtrail", "replay", root, "--limit", "3", "--since", "2023-07-10", "--until", "2023-07-11", "--output", file)
	written, _ := os.ReadFile(file)
	if code != 0 || !strings.Contains(out, "AWS: Several guards switched off by one principal") || strings.Contains(out, "2024-08-18") || !strings.Contains(out, "outside of the span") || bytes.Count(written, []byte("\n")) < 50 {
		t.Errorf("code %d, %d bytes written\n%s", code, len(written), out)
	}
	code, out, _ = trail(t, "cloudtrail", "replay", filepath.Join(root, "traildiscover.json"))
	if code != 0 || !strings.Contains(out, "313 records of 1 files") {
		t.Errorf("code %d\n%s", code, out)
	}
	bad := t.TempDir()
	_ = os.WriteFile(filepath.Join(bad, "x.json"), []byte(`{"Records":[{"eventID":"1"}`), 0o600)
	if code, out, _ = trail(t, "cloudtrail", "replay", bad); code != 1 || !strings.Contains(out, "damaged: ") || !strings.Contains(out, "1 records of 1 files") {
		t.Errorf("code %d\n%s", code, out)
	}
	for _, args := range [][]string{{}, {"/nowhere"}, {"s3://"}, {root, "--since", "later"}, {root, "--since", "2024-01-02", "--until", "2024-01-01"}, {root, "--role-arn", "x"}} {
		if code, _, errs := trail(t, append([]string{"cloudtrail", "replay"}, args...)...); (code != 2) != slices.Contains(args, "--role-arn") || code == 2 && strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: code %d %s", args, code, errs)
		}
	}
}

func TestCloudtrailOnS3(t *testing.T) {
	cloudtest.Environment(t)
	cloud := cloudtest.New(t, testenv.Moto(t).URL())
	bucket := cloud.Bucket("history")
	record, err := os.ReadFile(filepath.Join(testenv.Data(t), "cloudtrail", "crowdsec-hub.json"))
	if err != nil {
		t.Fatal(err)
	}
	cloud.Put(bucket, "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/01/02/111122223333_CloudTrail_eu-central-1_20260102T0305Z_x.json.gz", record)
	cloud.Put(bucket, "logo.png", []byte("x"))
	aws := []string{"--s3-endpoint", cloud.URL(), "--region", cloudtest.Region}
	code, out, errs := trail(t, append([]string{"cloudtrail", "replay", "s3://" + bucket + "/AWSLogs/"}, aws...)...)
	if code != 0 || !strings.Contains(out, "7 records of 1 files") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if code, out, _ = trail(t, append([]string{"cloudtrail", "verify", "s3://" + bucket}, aws...)...); code != 1 || !strings.Contains(out, "no digest file was found") {
		t.Errorf("code %d\n%s", code, out)
	}
	config := filepath.Join(t.TempDir(), "agent.yaml")
	text := "inputs:\n  - type: cloudtrail\n    mode: bucket\n    aws:\n      bucket: " + bucket + "\n      region: eu-central-1\n      path_style: true\n      endpoints: {s3: \"" + cloud.URL() + "\"}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs = trail(t, "cloudtrail", "verify", "--config", config, "--json"); code != 1 || !strings.Contains(out, `"digests":0`) {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if code, _, errs = trail(t, append([]string{"cloudtrail", "replay", "s3://no-such-bucket"}, aws...)...); code != 1 || !strings.Contains(errs, "it does not exist") {
		t.Errorf("code %d %s", code, errs)
	}
	if code, _, _ = trail(t, "cloudtrail", "verify"); code != 2 {
		t.Errorf("code %d", code)
	}
}

// TestRulesInTheField: CloudTrail records reach the amazon rules of a ruleset that was written for them. Ten real records by their ids.
func TestRulesInTheField(t *testing.T) {
	cloudtest.Environment(t)
	data := testenv.Data(t)
	_, out, _ := trail(t, "cloudtrail", "replay", filepath.Join(data, "cloudtrail"), "--ruleset", filepath.Join(data, "wazuh-ruleset"), "--json")
	want := map[string]string{
		"3fcfb182-98f8-4744-bd45-10a395ab61cb": "80253", "fed06f42-cb12-4764-8c69-121063dc79b9": "80253", // console login
		"d38ce1b3-4575-4cb8-a632-611b8243bfc3": "80254", "a4fbbe77-91a0-4238-804a-64314184edb6": "80254", // failed console login
		"EXAMPLEb-7dae-48cb-895f-20e86EXAMPLE": "80202",                                                  // EnableMFADevice
		"4a131b73-a4cd-44ce-8757-e3ad55c22e43": "80203", "f6e10706-705c-47f2-94d4-112a9527ab8b": "80203", // refused by EC2, by CloudTrail
		"a8e2b2ab-1170-4d6a-8c32-d38e7cbf9f25": "80250", "1f8b80aa-6716-4c78-a13f-4209bd6880dd": "80250", "7cfaafa9-f396-4389-aa8c-67a29ce73b4e": "80250", // access denied
	}
	got := map[string]string{}
	for line := range strings.Lines(out) {
		var alert struct {
			Decoder struct{ Name string }
			Rule    struct{ ID string }
			Data    struct {
				AWS struct{ EventID, Source string }
			}
		}
		if err := json.Unmarshal([]byte(line), &alert); err != nil {
			t.Fatal(err)
		}
		id := alert.Data.AWS.EventID
		if _, ok := want[id]; !ok {
			continue
		}
		got[id] = alert.Rule.ID
		if alert.Decoder.Name != "json" || alert.Data.AWS.Source != "cloudtrail" {
			t.Errorf("%s: decoder %s, source %s", id, alert.Decoder.Name, alert.Data.AWS.Source)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
