package cloudtrail

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// decodeAll returns the compact texts, and the errors in words.
func decodeAll(src io.Reader, lines bool) (records []string, problems []string) {
	d := NewDecoder(src, lines)
	for {
		rec, err := d.Next()
		if err == io.EOF {
			return records, problems
		}
		if err != nil {
			problems = append(problems, err.Error())
			if _, ok := errors.AsType[*FormatError](err); ok {
				return records, problems
			}
			continue
		}
		records = append(records, string(rec.Text))
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name, text string
		lines      bool
		want       string
		problem    string
	}{
		{name: "empty", text: `{"Records":[]}`},
		{name: "compact", text: `{"Records":[{"a":1},{"b":[1,2,{}]}]}`, want: `{"a":1} {"b":[1,2,{}]}`},
		{name: "white space", text: "\ufeff {\n \"Records\" : [ {\r\n\t\"a b\" : \" x \" , \"c\" : [ ] , \"d\":{ } } ] }\n", want: `{"a b":" x ","c":[],"d":{}}`},
		{name: "numbers and order stay", text: `{"Records":[{"z":1.50,"a":1e+05,"n":-0,"big":12345678901234567890123,"z":2}]}`,
			want: `{"z":1.50,"a":1e+05,"n":-0,"big":12345678901234567890123,"z":2}`},
		{name: "escapes stay", text: `{"Records":[{"a":"\u00e9\/\"\\\n"}]}`, want: `{"a":"\u00e9\/\"\\\n"}`},
		{name: "invalid UTF-8 stays", text: "{\"Records\":[{\"a\":\"\xff\xfe\"}]}", want: "{\"a\":\"\xff\xfe\"}"},
		{name: "other keys", text: `{"version":[{"x":[1]}],"Records":[{"a":1}],"more":{"y":null}}`, want: `{"a":1}`},
		{name: "two Records", text: `{"Records":[{"a":1}],"Records":[{"b":1}]}`, want: `{"a":1} {"b":1}`},
		{name: "not objects", text: `{"Records":[{"a":1},"s",null,[1],5,{"b":1},true]}`, want: `{"a":1} {"b":1}`, problem: "record 1: expected a record, that is an object, found a string"},
		{name: "no Records", text: `{"a":1}`, problem: `and there is none in this one`},
		{name: "empty object", text: `{}`, problem: `there is none`},
		{name: "Records null", text: `{"Records":null}`, problem: `byte 11, record 0: expected the array "Records", found 'n'`},
		{name: "array", text: `[{"a":1}]`, problem: `expected an object with an array "Records", found '['`},
		{name: "empty file", text: ``, problem: "ends too early"},
		{name: "cut in a record", text: `{"Records":[{"a":1},{"b":`, want: `{"a":1}`, problem: "record 1: the file ends too early"},
		{name: "cut in a string", text: `{"Records":[{"a":1},{"b":"x`, want: `{"a":1}`, problem: "ends too early, in a string"},
		{name: "cut in the array", text: `{"Records":[{"a":1}`, want: `{"a":1}`, problem: "ends too early"},
		{name: "cut at the end", text: `{"Records":[{"a":1}]`, want: `{"a":1}`, problem: "ends too early"},
		{name: "trailing", text: `{"Records":[{"a":1}]} x`, want: `{"a":1}`, problem: `expected nothing after the object, found 'x'`},
		{name: "NUL bytes", text: "{\"Records\":[{\"a\":1}]}\x00\x00", want: `{"a":1}`, problem: `found '\x00'`},
		{name: "newline in a string", text: "{\"Records\":[{\"a\":\"\n\"}]}", problem: `byte 0x0a inside a string`},
		{name: "bad escape", text: `{"Records":[{"a":"\x"}]}`, problem: `unknown escape \x`},
		{name: "bad hexadecimal", text: `{"Records":[{"a":"\u12g4"}]}`, problem: `four hexadecimal digits`},
		{name: "bad number", text: `{"Records":[{"a":01}]}`, problem: `expected "," or "}"`},
		{name: "bad number 2", text: `{"Records":[{"a":1.}]}`, problem: `expected a digit`},
		{name: "bad literal", text: `{"Records":[{"a":nul}]}`, problem: `expected null`},
		{name: "missing comma", text: `{"Records":[{"a":1} {"b":1}]}`, want: `{"a":1}`, problem: `expected "," or "]" after a record`},
		{name: "comma at the end", text: `{"Records":[{"a":1},]}`, want: `{"a":1}`, problem: `expected a value`},
		{name: "wrong bracket", text: `{"Records":[{"a":[1}]}`, problem: `expected "," or "]"`},
		{name: "key without quotes", text: `{"Records":[{a:1}]}`, problem: `expected a key`},
		{name: "too deep", text: `{"Records":[{"a":1},{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `},{"b":2}]}`,
			want: `{"a":1} {"b":2}`, problem: `record 1: nested deeper than 1000`},
		{name: "deeper than is skipped", text: `{"Records":[{"a":` + strings.Repeat("[", 1<<20), problem: `nested deeper than 1048576`},
		{name: "lines in a file of the other form", text: "{\"a\":1}\n{\"b\":2}", problem: `its name ends in .jsonl`},
		{name: "byte order mark", text: "\ufeff{\"Records\":[{\"a\":1}]}", want: `{"a":1}`},
		{name: "byte order mark before lines", lines: true, text: "\ufeff{\"a\":1}\n{\"b\":2}", want: `{"a":1} {"b":2}`},
		{name: "part of a byte order mark", text: "\xef\xbb{}", problem: `expected JSON text`},
		{name: "lines", lines: true, text: "{\"a\": 1}\n{\"b\":2}\r\n\n", want: `{"a":1} {"b":2}`},
		{name: "lines cut", lines: true, text: "{\"a\": 1}\n{\"b\":2", want: `{"a":1}`, problem: "ends too early"},
		{name: "no lines", lines: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, src := range []io.Reader{strings.NewReader(test.text), iotest.OneByteReader(strings.NewReader(test.text))} {
				records, problems := decodeAll(src, test.lines)
				if got := strings.Join(records, " "); got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
				got := strings.Join(problems, "; ")
				if test.problem == "" && got != "" || !strings.Contains(got, test.problem) {
					t.Errorf("problem %q, want %q", got, test.problem)
				}
			}
		})
	}
}

func TestPickedFields(t *testing.T) {
	text := `{"Records":[{"userIdentity":{"sessionContext":{"accountId":"9"},"accountId":"111122223333","x":{"accountId":"8"}},
		"requestParameters":{"eventTime":"no","recipientAccountId":"no","accountId":"no","userIdentity":{"accountId":"no"}},
		"eventTime":"2024-01-02T03:04:05Z","recipientAccountId":"444455556666"},
		{"userIdentity":"root","accountId":"no","eventTime":5}]}`
	d := NewDecoder(strings.NewReader(text), false)
	rec, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s %s %s", rec.EventTime, rec.RecipientAccountID, rec.UserAccountID); got != "2024-01-02T03:04:05Z 444455556666 111122223333" {
		t.Error(got)
	}
	if rec, err = d.Next(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s|%s|%s", rec.EventTime, rec.RecipientAccountID, rec.UserAccountID); got != "||" {
		t.Error(got)
	}
}

// TestHugeRecord: of a record over 1 MiB the text is cut, but the sum is of all of it, and fields behind the cut are found.
func TestHugeRecord(t *testing.T) {
	huge := `{"a":"` + strings.Repeat("0123456789", 300_000) + `","b":[1,2],"userIdentity":{"accountId":"1"},"eventTime":"t"}`
	d := NewDecoder(strings.NewReader(`{"Records":[`+huge+`,{"b":1}]}`), false)
	rec, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	if !rec.Cut || string(rec.Text) != huge[:maxRecord] || rec.Sum != sha256.Sum256([]byte(huge)) {
		t.Errorf("cut %v, %d bytes", rec.Cut, len(rec.Text))
	}
	if string(rec.UserAccountID) != "1" || string(rec.EventTime) != "t" {
		t.Errorf("fields %q %q", rec.UserAccountID, rec.EventTime)
	}
	rec, err = d.Next()
	if err != nil || string(rec.Text) != `{"b":1}` || rec.Cut {
		t.Errorf("%v %v", rec, err)
	}
}

// FuzzDecode: what encoding/json accepts as a file with objects in Records gives the same records, compact; what it does not
// accept gives an error; and where the buffer ends makes no difference.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"Records":[{"a":1.5e-3,"b":[true,false,null,"\u00e9x"]}]}`))
	f.Add([]byte("{ \"Records\" : [ { \"eventTime\" : \"2024\" } , 5 ] , \"x\":{} }"))
	f.Add([]byte(`{"Records":[{"a":`))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, problems := decodeAll(bytes.NewReader(data), false)
		slow, slowProblems := decodeAll(iotest.HalfReader(bytes.NewReader(data)), false)
		if fmt.Sprint(records, problems) != fmt.Sprint(slow, slowProblems) {
			t.Fatalf("%q %q against %q %q", records, problems, slow, slowProblems)
		}
		decodeAll(bytes.NewReader(data), true)
		if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) || !json.Valid(data) {
			if len(problems) == 0 && json.Valid(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) == false {
				t.Fatalf("accepted %q", data)
			}
			return
		}
		var outer map[string]json.RawMessage
		if json.Unmarshal(data, &outer) != nil || bytes.Count(data, []byte(`ecords`)) != 1 || strings.Contains(string(data), `\u`) {
			return
		}
		var want []string
		var list []json.RawMessage
		if json.Unmarshal(outer["Records"], &list) != nil {
			return
		}
		for _, raw := range list {
			if bytes.HasPrefix(raw, []byte("{")) {
				var compact bytes.Buffer
				if err := json.Compact(&compact, raw); err != nil {
					t.Fatal(err)
				}
				want = append(want, compact.String())
			}
		}
		if fmt.Sprint(records) != fmt.Sprint(want) {
			t.Fatalf("got %q, want %q (%q)", records, want, problems)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	record := sample()
	text := []byte(`{"Records":[` + strings.Repeat(record+",", 999) + record + `]}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	d := NewDecoder(nil, false)
	for b.Loop() {
		d.Reset(bytes.NewReader(text), false)
		for {
			_, err := d.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "records/s")
}

// sample is a record of the usual size.
func sample() string {
	return `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:session","arn":"arn:aws:sts::111122223333:assumed-role/deploy/session","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/deploy","accountId":"111122223333","userName":"deploy"},"webIdFederationData":{},"attributes":{"creationDate":"2023-07-10T11:21:32Z","mfaAuthenticated":"false"}}},"eventTime":"2023-07-10T11:45:00Z","eventSource":"ec2.amazonaws.com","eventName":"StopInstances","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.10","userAgent":"aws-cli/2.12.3 Python/3.11.4 Linux/5.15 exe/x86_64 prompt/off command/ec2.stop-instances","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-0123456789abcdef0"}]},"force":false},"responseElements":{"requestId":"5ac2b8e6-1f0e-4f2b-9d6a-0d1b2c3d4e5f","instancesSet":{"items":[{"instanceId":"i-0123456789abcdef0","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}},"requestID":"5ac2b8e6-1f0e-4f2b-9d6a-0d1b2c3d4e5f","eventID":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`
}

// TestPlainRun compares with a count byte by byte: every byte at every place.
func TestPlainRun(t *testing.T) {
	for c := range 256 {
		for n := range 20 {
			for at := range n {
				p := bytes.Repeat([]byte{'x', 0xff, ' ', '!', '#', '[', ']', 0x7f}, 3)[:n]
				p[at] = byte(c)
				want := n
				if !plain[byte(c)] {
					want = at
				}
				if got := plainRun(p); got != want {
					t.Fatalf("%q: %d, want %d", p, got, want)
				}
			}
		}
	}
}
