package header

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseExtended(t *testing.T) {
	tests := []struct {
		line                     string
		timestamp, host, program string
		log                      string
	}{
		{"<34>1 2026-11-23T09:00:01.123Z host prog 12 ID47 - msg", "2026-11-23T09:00:01.123Z", "host", "prog", "msg"},
		{"<34>1 2026-11-23T09:00:01.123Z host prog 12 ID47 - \xef\xbb\xbfmsg", "2026-11-23T09:00:01.123Z", "host", "prog", "msg"},
		{"<34>1 - - - - - -", "", "", "", ""},
		{`1 2026-11-23T09:00:01+02:00 h p - - [a@1 k="v"] text`, "2026-11-23T09:00:01+02:00", "h", "p", "text"},
		{`<38>1 2026-11-23T09:00:01Z h p 7 - [a@1 k="v\"]"][b] text`, "2026-11-23T09:00:01Z", "h", "p", "text"},
		{`1 2026-11-23T09:00:01Z h p - - [a@1 k="v"]`, "2026-11-23T09:00:01Z", "h", "p", ""},
		{"1 2026-11-23T09:00:01Z h p - - -", "2026-11-23T09:00:01Z", "h", "p", ""},
		{"Nov 2 15:40:14 host prog[12]: msg", "Nov 2 15:40:14", "host", "prog", "msg"},
		{"<34>Nov 23 09:00:01 host prog[12]: msg", "Nov 23 09:00:01", "host", "prog", "msg"},
		{"<34>sshd[12]: msg", "", "", "sshd", "msg"},
		{"<191>no header at all", "", "", "", "no header at all"},
		{"2026-11-23T09:00:01Z host prog[12]: msg", "2026-11-23T09:00:01Z", "host", "prog", "msg"},
		{"2026-11-23T09:00:01.123456Z host prog[12]: msg", "2026-11-23T09:00:01.123456Z", "host", "prog", "msg"},
		{"<13>2026-11-23T09:00:01.1+0200 host prog: msg", "2026-11-23T09:00:01.1+0200", "host", "prog", "msg"},
		{"2026-11-23T09:00:01+02:00 h p: m", "2026-11-23T09:00:01+02:00", "h", "p", "m"},
	}
	for _, tt := range tests {
		h, ok := ParseExtended(tt.line)
		if !ok {
			t.Errorf("%q: not recognised", tt.line)
			continue
		}
		want := Header{tt.timestamp, tt.host, tt.program, tt.log, len(tt.line) - len(tt.log)}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%q:\n%s", tt.line, diff)
		}
	}
	for _, line := range []string{"", "short", "<", "<192>x", "<>x", "<1234>x", "Nov 23 09:00:01 host prog: msg", "1 x", "2026-11-23T09:00:01", "2026-11-23T09:00:01.Z h p: m"} {
		if h, ok := ParseExtended(line); ok || h.Log != line {
			t.Errorf("%q: got %+v, %v; want it whole and false", line, h, ok)
		}
	}
}

// TestParts holds the parts that recorded alerts do not show.
func TestParts(t *testing.T) {
	tests := []struct{ line, host, program, log string }{
		{"Nov 23 09:00:01 host prog[12]: msg", "host", "prog", "msg"},
		{"Nov 23 09:00:01 host prog:msg", "host", "prog", "msg"},
		{"Nov 23 09:00:01 host prog[12]:msg", "host", "prog", "msg"},
		{"Nov 23 09:00:01 host prog[12] msg", "host", "prog", "msg"},
		{"Nov 23 09:00:01 host prog msg", "host", "", "prog msg"},
		{"Nov 23 09:00:01 host prog[x]: msg", "host", "", "prog[x]: msg"},
		{"Nov 23 09:00:01 ho!st prog: msg", "", "", "ho!st prog: msg"},
		{"Nov 23 09:00:01 fe80::1 prog: msg", "", "", "fe80::1 prog: msg"},
		{"Nov 23 09:00:01 prog: no host", "", "prog", "no host"},
		{"Nov 23 09:00:01  host prog: msg", "host", "prog", "msg"},
		{"Nov 23 09:00:01 host prog[12]: [ID 197553 auth.info] msg", "host", "prog", "msg"},
		{"Nov 23 09:00:01 host auth|security:info prog[1]: msg", "host", "prog", "msg"},
		{"2020-03-23 06:47:42.801612-0700  localhost sshd[3186]: text", "localhost", "sshd", "text"},
		{"01/28-09:13:16.240702  [**] [1:2:3] x", "", "", "[**] [1:2:3] x"},
		{"01/28/1979-09:13:16.240702  [**] suri", "", "", "[**] suri"},
		{"[Fri Feb 11 18:06:35 2004] [warn] text", "", "", "[warn] text"},
		{"1140804070.368  11623 192.168.1.1 TCP_MISS/200", "", "", "11623 192.168.1.1 TCP_MISS/200"},
		{"[Time 2006.12.28 15:53:55 UTC] [Facility auth] [Sender sshd] [PID 483] [Message error: x] [Level 3] [Message y] [Host H]", "H", "sshd", "error: x"},
	}
	for _, tt := range tests {
		h := Parse(tt.line)
		if h.Hostname != tt.host || h.ProgramName != tt.program || h.Log != tt.log {
			t.Errorf("%q: got %+v", tt.line, h)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"Nov 23 09:00:01 host prog[12]: msg", "M\xc3\xa4r 02 17:30:52 host prog: msg", "[Time 2006.12.28 15:53:55 UTC] [Sender s] [Message m] [Host H",
		"<34>1 2026-11-23T09:00:01.123Z host prog 12 ID47 - msg", "2026-11-23T09:00:01.123456Z host prog[12]: msg", "1140804070.368  11623 192.168.1.1 TCP_MISS/200"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		hold := func(h Header) {
			if h.Offset < 0 || h.Offset+len(h.Log) > len(line) || line[h.Offset:h.Offset+len(h.Log)] != h.Log {
				t.Fatalf("log of %q is not at its offset: %+v", line, h)
			}
		}
		h := Parse(line)
		hold(h)
		if h.Timestamp == "" && h.ProgramName == "" && h.Hostname == "" && len(line) > 0 && line[0] != '[' && h.Log != line {
			t.Fatalf("%q: no header, but the log is not the line: %+v", line, h)
		}
		x, ok := ParseExtended(line)
		hold(x)
		if !ok && x.Log != line {
			t.Fatalf("%q: not recognised, but the log is not the line: %+v", line, x)
		}
		AlertHostname(line)
	})
}

func BenchmarkParse(b *testing.B) {
	line := "Nov 23 09:00:01 host sshd[12664]: Failed password for invalid user warez from 192.241.237.101 port 54197 ssh2"
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(line)
		AlertHostname(line)
	}
}
