package console

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCSVCellsAreNeverFormulas(t *testing.T) {
	for _, text := range []string{"=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\n=1", "\"=1", "'=1", "\uff1d1", "|cmd", "%0", "\x00=1", "\u00a0=cmd|' /C calc'!A0", "  \"@x"} {
		if got := cell(text); got != "'"+text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for text, want := range map[any]string{"plain": "plain", "a=b": "a=b", "": "", nil: "", 5.0: "5", 12345678.0: "12345678", -3.0: "-3", true: "true"} {
		if got := cell(text); got != want {
			t.Errorf("%v became %q", text, got)
		}
	}
	if got := cell([]any{"=a", "b"}); got != "'=a b" {
		t.Errorf("list became %q", got)
	}
}

func FuzzCSVCell(f *testing.F) {
	for _, s := range []string{"=1", "\"=1", "a,b\r\nc", "\x00@", "\uff0b1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := cell(text)
		if got != "" && strings.ContainsRune("=+-@\t\r\n", rune(got[0])) {
			t.Errorf("%q became %q", text, got)
		}
		if got != text && got != "'"+text {
			t.Errorf("%q became %q: changed otherwise than by an apostrophe", text, got)
		}
	})
}

func TestExports(t *testing.T) {
	m := &memory{}
	m.put(seed(1203, testNow, time.Second)...)
	m.put(hit(newAlert(alertSpec{key: "formula", when: testNow.Add(time.Hour), rule: 1, level: 3, description: `=HYPERLINK("http://evil","x")`, groups: []string{"a", "b"}, agent: "-web", log: "x,\"y\"\nz", data: "{}"})))
	c := newHandler(t, Config{}, Deps{Store: m})

	w := request(t, c, "/api/v1/export?format=csv")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Disposition"), `attachment; filename="armor-alerts-`) {
		t.Fatalf("status %d, %v", w.Code, w.Header())
	}
	records, err := csv.NewReader(w.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 1205 {
		t.Fatalf("%d lines", len(records))
	}
	if diff := cmp.Diff([]string{"@timestamp", "agent.name", "rule.id", "rule.level", "rule.description", "rule.groups", "full_log", "id"}, records[0]); diff != "" {
		t.Error(diff)
	}
	row := records[1]
	if diff := cmp.Diff([]string{"'-web", "1", "3", `'=HYPERLINK("http://evil","x")`, "a b", "x,\"y\"\nz"}, row[1:7]); diff != "" {
		t.Error(diff)
	}

	w = request(t, c, "/api/v1/export?format=ndjson&f=rule.id:80309")
	lines := bufio.NewScanner(w.Body)
	n := 0
	for lines.Scan() {
		var doc struct{ Rule rowRule }
		if err := json.Unmarshal(lines.Bytes(), &doc); err != nil || doc.Rule.ID != "80309" {
			t.Fatalf("line %d: %v %+v", n, err, doc)
		}
		n++
	}
	if n != 134 || w.Header().Get("Armor-Alerts-Sent") != "134" {
		t.Errorf("%d lines, %v", n, w.Header())
	}
}

func TestExportStopsAtItsLimitAndSaysSo(t *testing.T) {
	m := &memory{}
	m.put(seed(1300, testNow, time.Second)...)
	c := newHandler(t, Config{ExportLimit: 700}, Deps{Store: m})
	w := request(t, c, "/api/v1/export?format=ndjson")
	if n := strings.Count(w.Body.String(), "\n"); n != 700 || w.Header().Get("Armor-Alerts-Found") != "1300" || w.Header().Get("Armor-Alerts-Sent") != "700" {
		t.Errorf("%d lines, %v", n, w.Header())
	}
}

func TestExportThatFailsOnTheWayIsNotTakenForWhole(t *testing.T) {
	m := &memory{}
	hits := seed(1000, testNow, time.Second)
	hits[700].JSON = []byte(`{"agent":`)
	m.put(hits...)
	base := serve(t, newHandler(t, Config{}, Deps{Store: m}))
	res, err := browserClient(t, base).Get(base + "/api/v1/export?format=csv")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reading the file gave %v", err)
	}
}
