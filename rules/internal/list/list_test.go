package list

import (
	"strings"
	"testing"
)

func TestLookUps(t *testing.T) {
	l, mistakes, err := Parse("# comment\n\na:1\nb:\n\"c:d\":2\na:again\r\nno colon\n10.1.:net\n10.1.2.3:host\n192.168.0.0/16:block\n192.168.7.0/24:inner\n2001:db8::/32:x\n\"2001:db8::/32\":six\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(mistakes) != 1 || mistakes[0].Line != 7 {
		t.Errorf("mistakes: %v", mistakes)
	}
	for key, want := range map[string]string{"a": "1", "b": "", "c:d": "2", "A": "-", "no colon": "-"} {
		got, ok := l.Get(key)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("Get(%q) = %q, expected %q", key, got, want)
		}
	}
	for addr, want := range map[string]string{
		"10.1.2.3": "host", "10.1.9.9": "net", "10.2.0.1": "-", "10.1.": "net", "192.168.3.4": "block", "192.168.7.4": "inner",
		"::ffff:192.168.7.4": "inner", "2001:db8::1": "six", "2001:db9::1": "-", "": "-", "x": "-", "10": "-",
	} {
		got, ok := l.GetAddress(addr)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("GetAddress(%q) = %q, expected %q", addr, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a:1\n\"b:\":2", "a")
	f.Add("10.0.0.0/8:\n::/0:", "10.1.2.3")
	f.Add("audit-wazuh-w:write\naudit-wazuh-r:read\n# comment\n\n\"a:b\":c:d\r\n", "audit-wazuh-w")
	f.Add("192.168.:lan\n192.168.7.9:host\n2001:db8::/32:net\n\"2001:db8::1\":six", "2001:db8::1")
	f.Add("44d88612fea8a8f36de82e1278abb02f:EICAR\nnothing\n\x00\xff", "44d88612fea8a8f36de82e1278abb02f")
	f.Fuzz(func(t *testing.T, text, key string) {
		l, _, err := Parse(text)
		if err != nil {
			return
		}
		l.Get(key)
		l.GetAddress(key)
		if strings.Count(text, "\n")+1 < l.Len() {
			t.Errorf("%d entries in %q", l.Len(), text)
		}
	})
}
