package document_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/field"
	"armor/indexer/store/storetest"
	armorv1 "armor/proto/armor/v1"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	happened = time.Date(2023, 7, 10, 11, 45, 3, 123_999_999, time.UTC)
	ingested = time.Date(2026, 7, 10, 10, 0, 2, 500_000_000, time.FixedZone("", 2*3600))
)

func ec2() *armorv1.Alert {
	return &armorv1.Alert{
		Id: "5f2b6c0d7d0e4c3f9a1b2c3d4e5f6071", Time: timestamppb.New(happened),
		ReadTime: timestamppb.New(ingested.Add(-time.Second)), DetectedTime: timestamppb.New(ingested.Add(-time.Second / 2)),
		Rule: &armorv1.AlertRule{
			Id: 80301, Level: 2, Description: "Amazon-ec2: Run instance", Groups: []string{"amazon-ec2", "amazon"}, FiredTimes: 3,
			Compliance: []*armorv1.Compliance{{Standard: "pci_dss", Requirements: []string{"10.6.1"}}},
		},
		Agent:       &armorv1.AlertAgent{Id: "001", Name: "collector", Ip: "192.0.2.7", Labels: map[string]string{"env": "prod", "account": "main"}},
		ManagerName: "manager-1", Decoder: &armorv1.AlertDecoder{Name: "cloudtrail"},
		Location: "/logs/218007301253_CloudTrail_us-east-1_20230710T1145Z.json.gz",
		FullLog:  []byte(`{"integration":"aws","aws":{"eventName":"RunInstances"}}`),
		Data:     []byte(`{"integration":"aws","aws":{"eventName":"RunInstances","requestParameters":{"instancesSet":{"items":[{"minCount":1}]}}}}`),
		Context: &armorv1.AlertContext{EventModule: "aws", EventDataset: "aws.cloudtrail", EventAction: "RunInstances", EventOutcome: "success",
			SourceIp: "198.51.100.4", UserName: "alice", CloudProvider: "aws", CloudRegion: "us-east-1", CloudAccountId: "218007301253", CloudInstanceId: "i-0abc"},
		SpoolId: "spool", Sequence: 7,
	}
}

func sshd() *armorv1.Alert {
	return &armorv1.Alert{
		Id: "00112233445566778899aabbccddeeff", Time: timestamppb.New(happened), DetectedTime: timestamppb.New(happened),
		Rule: &armorv1.AlertRule{
			Id: 5712, Level: 10, Description: `sshd: brute force "quoted"`, Groups: []string{"syslog", "sshd"}, FiredTimes: 1, Frequency: 8, Mail: true,
			Compliance: []*armorv1.Compliance{{Standard: "gdpr", Requirements: []string{"IV_35.7.d"}}, {Standard: "pci_dss", Requirements: []string{"10.2.4"}},
				{Standard: "iso_27001", Requirements: []string{"A.9"}}, {Standard: "pci_dss", Requirements: []string{"10.2.5"}}},
			Mitre: []*armorv1.Mitre{{Id: "T1110", Tactics: []string{"Credential Access"}, Technique: "Brute Force"},
				{Id: "T1021.004", Tactics: []string{"Lateral Movement", "Credential Access"}, Technique: "SSH"}},
			Info: "https://example.org/rule",
		},
		Agent: &armorv1.AlertAgent{Id: "000", Name: "host"}, ManagerName: "host", Decoder: &armorv1.AlertDecoder{Name: "sshd-failed", Parent: "sshd"},
		Predecoder: &armorv1.Predecoder{Timestamp: "Jul 10 11:45:03", Hostname: "db-1", ProgramName: "sshd"},
		Location:   "/var/log/auth.log", FullLog: []byte("Failed password\tfor \xff root \x00 from \u00e9"), FullLogTruncated: true,
		PreviousOutput: [][]byte{[]byte("second"), []byte("first \"line\"")},
		Data:           []byte("{\n  \"srcip\": \"::ffff:203.0.113.9\"\n}"),
		Context:        &armorv1.AlertContext{SourceIp: "::ffff:203.0.113.9", UserName: "root"},
	}
}

func TestGolden(t *testing.T) {
	setAside := func(a *armorv1.Alert) []byte { return document.AppendSetAside(nil, a, ingested) }
	plain := func(a *armorv1.Alert) []byte { return document.Append(nil, a, ingested) }
	damaged := sshd()
	damaged.Data = []byte(`{"cut":`)
	for name, got := range map[string][]byte{
		"ec2.json":           plain(ec2()),
		"sshd.json":          plain(sshd()),
		"empty.json":         document.Append(nil, &armorv1.Alert{}, time.Time{}),
		"set-aside.json":     setAside(ec2()),
		"damaged-data.json":  plain(damaged),
		"damaged-aside.json": setAside(damaged),
	} {
		path := filepath.Join("testdata", name)
		var indented bytes.Buffer
		if err := json.Indent(&indented, got, "", "  "); err != nil {
			t.Errorf("%s: %v\n%s", name, err, got)
			continue
		}
		indented.WriteByte('\n')
		if *update {
			if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if indented.String() != string(want) {
			t.Errorf("%s differs; `go test ./indexer/document -update` writes it anew:\n%s", name, indented.Bytes())
		}
	}
}

// Whatever is in an alert, the document is one object on one line, without a name twice, and never with a string `host`.
func TestHostile(t *testing.T) {
	for _, a := range storetest.HostileAlerts() {
		for _, doc := range [][]byte{document.Append(nil, a, ingested), document.AppendSetAside(nil, a, time.Time{})} {
			checkDocument(t, a.GetId(), doc)
		}
	}
}

func checkDocument(t *testing.T, id string, doc []byte) {
	t.Helper()
	if !json.Valid(doc) || !utf8.Valid(doc) || bytes.ContainsAny(doc, "\n\r") {
		t.Errorf("%s: not one line of valid JSON in valid UTF-8: %.300q", id, doc)
		return
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(doc, &fields); err != nil {
		t.Errorf("%s: %v", id, err)
		return
	}
	for _, name := range []string{"@timestamp", "timestamp", "event", "ecs"} {
		if fields[name] == nil {
			t.Errorf("%s: no %s", id, name)
		}
	}
	if fields["host"] != nil {
		t.Errorf("%s: it has a host", id)
	}
	var at time.Time
	if err := json.Unmarshal(fields["@timestamp"], &at); err != nil || !strings.HasSuffix(string(fields["@timestamp"]), `Z"`) {
		t.Errorf("%s: @timestamp %s: %v", id, fields["@timestamp"], err)
	}
	delete(fields, "data") // an event's own names may occur twice
	for name, raw := range fields {
		if again := repeated(raw); again != "" {
			t.Errorf("%s: %s has the name %q twice", id, name, again)
		}
	}
}

// repeated finds a name that occurs twice in one object.
func repeated(raw []byte) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	var walk func() string
	walk = func() string {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		open, ok := token.(json.Delim)
		if !ok {
			return ""
		}
		seen := map[string]bool{}
		for d.More() {
			if open == '{' {
				name, err := d.Token()
				if err != nil {
					return ""
				}
				if seen[name.(string)] {
					return name.(string)
				}
				seen[name.(string)] = true
			}
			if again := walk(); again != "" {
				return again
			}
		}
		_, _ = d.Token()
		return ""
	}
	return walk()
}

// FuzzAppend: alerts out of any bytes make a valid document.
func FuzzAppend(f *testing.F) {
	for _, a := range []*armorv1.Alert{ec2(), sshd(), {}} {
		b, err := proto.Marshal(a)
		if err == nil {
			f.Add(b, "log", []byte(`{"a":1}`))
		}
	}
	f.Add([]byte{}, "\xff\x00", []byte("{\"a\":\n1}"))
	f.Fuzz(func(t *testing.T, encoded []byte, text string, data []byte) {
		a := &armorv1.Alert{}
		if proto.Unmarshal(encoded, a) != nil {
			a = &armorv1.Alert{Id: text, Location: text, Rule: &armorv1.AlertRule{Description: text, Groups: []string{text}},
				Agent: &armorv1.AlertAgent{Name: text, Labels: map[string]string{text: text, "": text}}, Context: &armorv1.AlertContext{SourceIp: text}}
		}
		a.FullLog, a.Data = []byte(text), data
		checkDocument(t, "fuzzed", document.Append(nil, a, ingested))
		checkDocument(t, "fuzzed, set aside", document.AppendSetAside(nil, a, ingested))
	})
}

// Every field of a document has the kind that the list of fields says.
func TestFieldsAreListed(t *testing.T) {
	for _, a := range []*armorv1.Alert{ec2(), sshd()} {
		var doc map[string]any
		if err := json.Unmarshal(document.Append(nil, a, ingested), &doc); err != nil {
			t.Fatal(err)
		}
		listed := map[string]bool{}
		for _, f := range field.Named() {
			listed[f.Name] = true
		}
		var walk func(prefix string, m map[string]any)
		walk = func(prefix string, m map[string]any) {
			for name, v := range m {
				name = prefix + name
				if name == "data" || name == "agent.labels" {
					continue
				}
				if inner, ok := v.(map[string]any); ok {
					walk(name+".", inner)
					continue
				}
				if !listed[name] {
					t.Errorf("%s is not in the list of fields", name)
				}
			}
		}
		walk("", doc)
	}
}

// sudo is as most alerts are: short, with a rule of many lists.
func sudo() *armorv1.Alert {
	c := func(standard string, requirements ...string) *armorv1.Compliance {
		return &armorv1.Compliance{Standard: standard, Requirements: requirements}
	}
	log := "Nov 23 08:13:51 web09 sudo:     test : TTY=pts/8 ; PWD=/home/test ; USER=root ; COMMAND=/usr/bin/apt update"
	return &armorv1.Alert{
		Id: "a6f3442d60cc57542efd55f509373440", Time: timestamppb.New(happened),
		ReadTime: timestamppb.New(ingested), DetectedTime: timestamppb.New(ingested),
		Rule: &armorv1.AlertRule{
			Id: 5402, Level: 3, Description: "Successful sudo to ROOT executed.", Groups: []string{"syslog", "sudo"}, FiredTimes: 138,
			Compliance: []*armorv1.Compliance{c("pci_dss", "10.2.5", "10.2.2"), c("gpg13", "7.6", "7.8", "7.13"), c("gdpr", "IV_32.2"),
				c("hipaa", "164.312.b"), c("nist_800_53", "AU.14", "AC.7", "AC.6"), c("tsc", "CC6.8", "CC7.2", "CC7.3")},
			Mitre: []*armorv1.Mitre{{Id: "T1548.003", Technique: "Sudo and Sudo Caching",
				Tactics: []string{"Defense Evasion", "Privilege Escalation"}}},
		},
		Agent: &armorv1.AlertAgent{Id: "000", Name: "web09"}, ManagerName: "manager-1",
		Decoder:    &armorv1.AlertDecoder{Name: "sudo", Parent: "sudo"},
		Predecoder: &armorv1.Predecoder{Timestamp: "Nov 23 08:13:51", Hostname: "web09", ProgramName: "sudo"},
		Location:   "/var/log/auth.log", FullLog: []byte(log),
		Data:    []byte(`{"srcuser":"test","dstuser":"root","tty":"pts/8","pwd":"/home/test","command":"/usr/bin/apt update"}`),
		Context: &armorv1.AlertContext{UserName: "root"},
	}
}

// large is a CloudTrail record with a kilobyte of data, and as much of a log full of quotes.
func large() *armorv1.Alert {
	a := ec2()
	a.Data = bytes.Replace(a.Data, []byte(`"integration"`), []byte(`"filler":"`+strings.Repeat("x", 1000)+`","integration"`), 1)
	a.FullLog = bytes.Repeat([]byte(`{"aws":"x"}`), 100)
	return a
}

// In the usual case nothing is allocated but the document.
func TestAllocations(t *testing.T) {
	for name, a := range map[string]*armorv1.Alert{"ec2": ec2(), "sudo": sudo(), "large": large()} {
		buffer := make([]byte, 0, 16<<10)
		if n := testing.AllocsPerRun(100, func() { buffer = document.Append(buffer[:0], a, ingested) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for name, a := range map[string]*armorv1.Alert{"ec2": ec2(), "sshd": sshd(), "sudo": sudo(), "large": large()} {
		b.Run(name, func(b *testing.B) {
			var buffer []byte
			b.ReportAllocs()
			for b.Loop() {
				buffer = document.Append(buffer[:0], a, ingested)
			}
			b.SetBytes(int64(len(buffer)))
		})
	}
}
