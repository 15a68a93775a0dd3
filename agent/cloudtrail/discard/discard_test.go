package discard

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const record = `{"eventName":"DescribeInstances","readOnly":true,"n":1.50,"none":null,"userIdentity":{"type":"AWSService","a.b":{"c":"x"},"sessionContext":{"k":"say \"hi\", {you}"}},` +
		`"resources":[{"ARN":"arn:1"},{"ARN":"arn:2","type":["a","b"]}],"empty":{},"list":[],"nested":[[1,2],[3]],"eventName2":"z","twice":"a","twice":"b"}`
	tests := []struct {
		field, regex string
		want         bool
	}{
		{"eventName", "^Describe", true}, {"eventName", "^Run", false}, {"readOnly", "^true$", true}, {"n", `^1\.50$`, true}, {"none", "^null$", true},
		{"userIdentity.type", "^AWSService$", true}, {"userIdentity.a.b.c", "x", true}, {"userIdentity.sessionContext.k", `\{you\}$`, true},
		{"resources.ARN", "^arn:2$", true}, {"resources.type", "^b$", true}, {"resources.type", "^c$", false}, {"nested", "^3$", true}, {"nested", "^4$", false},
		{"eventName2", "z", true}, {"missing", ".*", false}, {"userIdentity.missing", ".*", false}, {"eventName.type", ".*", false},
		{"userIdentity", "AWSService", true}, {"empty", `^\{\}$`, true}, {"list", ".*", false}, {"twice", "a", true}, {"twice", "b", true},
	}
	for _, test := range tests {
		f, err := New([]Rule{{"never", "x"}, {test.field, test.regex}})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match([]byte(record)); got != test.want {
			t.Errorf("%s =~ %s: %v", test.field, test.regex, got)
		}
	}
	if (*Filter)(nil).Match([]byte(record)) {
		t.Error("no filter matches")
	}
}

func TestMistakes(t *testing.T) {
	for want, r := range map[string]Rule{"[0].field": {"", "x"}, "[0].regex: missing": {"a", ""}, "[0].regex: error parsing": {"a", "("}} {
		if _, err := New([]Rule{r}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v", r, err)
		}
	}
}

// FuzzMatch: whatever the text, cut off or wrong, nothing panics; and a scalar that is there is found.
func FuzzMatch(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,{"c":"d"}]}}`), 7)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		filter, _ := New([]Rule{{"a.b.c", "d"}, {"armor", "^1$"}})
		filter.Match(text)
		var compact bytes.Buffer
		if json.Compact(&compact, text) != nil || compact.Len() < 2 || compact.Bytes()[0] != '{' {
			return
		}
		if cut >= 0 && cut < compact.Len() {
			filter.Match(compact.Bytes()[:cut])
		}
		whole := append(bytes.TrimSuffix(compact.Bytes(), []byte("}")), `,"armor":1}`...)
		if compact.Len() > 2 && !filter.Match(whole) {
			t.Errorf("not found in %s", whole)
		}
	})
}
