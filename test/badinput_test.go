package test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"armor/test/ledger"
)

// file is a CloudTrail file with one AllocateAddress per id.
func file(ids ...string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"eventVersion":"1.08","eventTime":"2026-11-23T02:40:00Z","eventSource":"ec2.amazonaws.com","eventName":"AllocateAddress","eventID":%q}`, id)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func zipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// delivered is a file name as CloudTrail makes them.
func delivered(n int, extension string) string {
	return fmt.Sprintf("123456789012_CloudTrail_us-east-1_20261123T%04dZ_abcdefghijklmnop%s", n, extension)
}

// noise is bytes that do not compress, so that a cut gzip is cut in the middle of records.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = "abcdefghijklmnopqrstuvwxyz012345"[x>>27]
	}
	return string(b)
}

// Damaged files are named and make a one-shot run fail; what stands beside them is read; what is no CloudTrail file is left alone.
func TestDamagedFilesAreNamed(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, delivered(1, ".json.gz"), zipped(t, file("good-1", "good-2")))
	put(t, folder, delivered(2, ".json"), file("good-3"))
	whole := zipped(t, file("cut-"+noise(20000), "cut-"+noise(20001)))
	put(t, folder, delivered(3, ".json.gz"), whole[:len(whole)-len(whole)/4])
	put(t, folder, delivered(4, ".json"), []byte(`{"Records":[{"eventVersion":"1.08",`))
	put(t, folder, delivered(5, ".json.gz"), []byte("no gzip at all"))
	put(t, folder, delivered(6, ".json"), []byte(`[1,2,3]`))
	put(t, folder, "picture.png", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"))
	put(t, folder, delivered(7, ".json.gz"), []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"))

	data := filepath.Join(t.TempDir(), "data")
	r := upOnce(t, data, "--cloudtrail", folder, "--include", specRules)
	if r.code != 1 {
		t.Errorf("exit code %d, want 1", r.code)
	}
	for _, n := range []int{3, 5, 7} {
		if name := delivered(n, ".json.gz"); !strings.Contains(r.errors, name) {
			t.Errorf("%s is not named:\n%s", name, tail(r.errors))
		}
	}
	for _, n := range []int{4, 6} {
		if name := delivered(n, ".json"); !strings.Contains(r.errors, name) {
			t.Errorf("%s is not named:\n%s", name, tail(r.errors))
		}
	}
	for _, name := range []string{delivered(1, ".json.gz"), delivered(2, ".json"), "picture.png"} {
		if strings.Contains(r.errors, "not read whole: "+name) {
			t.Errorf("%s is named as damaged", name)
		}
	}
	documents := call(t, "armor", "alerts", "search", "--data", data, "--json", "--limit", "0").must(t)
	for _, id := range []string{"good-1", "good-2", "good-3"} {
		if strings.Count(documents, fmt.Sprintf(`"eventID":%q`, id)) != 1 {
			t.Errorf("no alert, or several, for %s", id)
		}
	}
	if again := upOnce(t, data, "--cloudtrail", folder, "--include", specRules); again.code != 1 {
		t.Errorf("a second run forgets the damaged files: exit code %d", again.code)
	}
}

// Lines of every kind pass, and the good ones between them raise their alerts.
func TestHostileLines(t *testing.T) {
	folder := t.TempDir()
	var b bytes.Buffer
	good := 0
	line := func() {
		good++
		fmt.Fprintf(&b, "Nov 23 02:40:01 web-1 sshd[%d]: Failed password for root from 203.0.113.66 port 4022 ssh2\n", good)
	}
	line()
	b.WriteString("nul \x00\x00 bytes\n")
	line()
	b.WriteString("invalid \xff\xfe\x80 UTF-8\n")
	line()
	b.WriteString(strings.Repeat("x", 5<<20) + "\n")
	line()
	b.WriteString(`{"integration":"aws","aws":` + strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000) + "}\n")
	line()
	b.WriteString("\x1b[2J\x1b]0;title\x07\r\n\n\n")
	b.WriteString(strings.Repeat("(a+)+$", 5000) + "\n")
	line()
	put(t, folder, "auth.log", b.Bytes())
	data := filepath.Join(t.TempDir(), "data")
	r := upOnce(t, data, "--logfile", filepath.Join(folder, "*.log"))
	if strings.Contains(r.out+r.errors, "panic") || strings.Contains(r.out, "\x1b") {
		t.Errorf("%s\n%s", tail(r.out), tail(r.errors))
	}
	r.must(t)
	count := strings.TrimSpace(call(t, "armor", "alerts", "count", "--data", data, "--query", "predecoder.program_name:sshd").must(t))
	if count != fmt.Sprint(good) {
		t.Errorf("%s alerts of sshd lines, want %d", count, good)
	}
}

// badRules has ten mistakes, each in a line of its own.
const badRules = `<group name="local,">
  <rule id="100001" level="5">
    <if_sid>99999999</if_sid>
    <description>parent that is no id</description>
  </rule>
  <rule id="abc" level="5">
    <description>id that is no number</description>
  </rule>
  <rule id="100003" level="17">
    <description>level that is too high</description>
  </rule>
  <rule id="100004" level="5">
    <match type="pcre2">(unclosed</match>
    <description>pattern that does not compile</description>
  </rule>
  <rule id="100005" level="5">
    <field>value</field>
    <description>field without a name</description>
  </rule>
  <rule id="100006" level="5">
    <match>x</match>
  </rule>
  <rule id="100007">
    <match>x</match>
    <description>no level</description>
  </rule>
  <rule id="100008" level="5">
    <unknown_option>x</unknown_option>
    <description>option that does not exist</description>
  </rule>
  <rule id="100009" level="5" frequency="x" timeframe="60">
    <if_matched_sid>80301</if_matched_sid>
    <description>frequency that is no number</description>
  </rule>
  <rule id="100010" level="5">
    <list field="srcip" lookup="address_match_key">etc/lists/none</list>
    <description>list that is not there</description>
  </rule>
</group>
`

func TestTenMistakesAtOnce(t *testing.T) {
	overlay := t.TempDir()
	if err := os.Mkdir(filepath.Join(overlay, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(overlay, "rules"), "local_rules.xml", []byte(badRules))
	r := call(t, "armor", "rules", "lint", "--overlay", overlay)
	if r.code != 2 {
		t.Errorf("exit code %d, want 2", r.code)
	}
	found := 0
	for line := range strings.Lines(r.out) {
		if strings.Contains(line, "local_rules.xml:") {
			found++
		}
	}
	if found < 10 {
		t.Errorf("%d findings, want ten:\n%s%s", found, r.out, r.errors)
	}
	up := call(t, "armor", "up", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--overlay", overlay)
	if up.code != 2 || strings.Count(up.errors, "local_rules.xml:") < 10 {
		t.Errorf("armor up: exit code %d\n%s", up.code, up.errors)
	}
}

func TestConfigurationMistakes(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "bad.yaml", []byte("log:\n  level: info\nmanger:\n  address: x\ndata_dir: /nowhere\n"))
	for _, name := range []string{"armor-agent", "armor-manager", "armor-indexer"} {
		r := call(t, name, "--config", filepath.Join(dir, "bad.yaml"))
		if r.code != 2 || !strings.Contains(r.errors, `bad.yaml:3: unknown key "manger"`) {
			t.Errorf("%s: exit code %d, %q", name, r.code, r.errors)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, flag := range []string{"--listen", "--grpc-listen"} {
		args := []string{"up", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", flag, l.Addr().String()}
		r := call(t, "armor", args...)
		if r.code != 2 || !strings.Contains(r.errors, l.Addr().String()) || !strings.Contains(r.errors, flag) {
			t.Errorf("%s with a port in use: exit code %d, %q", flag, r.code, r.errors)
		}
	}
	for _, args := range [][]string{
		{"up", "--exit-when-idle", "x"}, {"up", "--durability", "none"}, {"up", "extra"}, {"nonsense"}, {"alerts", "search", "--since", "yesterdayish"},
		{"alerts", "count", "--data", filepath.Join(dir, "none")}, {"rules", "lint", "--ruleset", filepath.Join(dir, "none")},
	} {
		if r := call(t, "armor", args...); r.code != 2 || strings.Count(strings.TrimSpace(r.errors), "\n") != 0 {
			t.Errorf("armor %v: exit code %d, %q", args, r.code, r.errors)
		}
	}
}

// A query that does not parse is a usage error that says where.
func TestQueryMistake(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, delivered(1, ".json"), file("one"))
	data := filepath.Join(t.TempDir(), "data")
	upOnce(t, data, "--cloudtrail", folder).must(t)
	if r := call(t, "armor", "alerts", "search", "--data", data, "--query", "rule.id:("); r.code != 2 {
		t.Errorf("exit code %d, %q", r.code, r.errors)
	}
	l := ledger.New()
	l.Expect(ledger.Entry{EventID: "one", Rule: 80411, Level: 2})
	checkStored(t, data, l)
}
