package elastic_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"armor/indexer/elastic"
	"armor/indexer/store"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

// Through a proxy that does everything that goes wrong between an indexer and a cluster, every alert is stored once.
func TestFaultsOnTheWay(t *testing.T) {
	node := testenv.Elasticsearch(t)
	for name, f := range map[string]fault{
		"429 storm": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			if n <= 6 {
				refuse(w, 429, "es_rejected_execution_exception", "queue full")
				return
			}
			pass(w, forward)
		},
		"503, and 502 of a proxy": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			switch {
			case n <= 2:
				refuse(w, 503, "cluster_block_exception", "no master")
			case n <= 4:
				http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
			default:
				pass(w, forward)
			}
		},
		"413 of a proxy": func(_ int, w http.ResponseWriter, body []byte, forward func() (int, []byte)) {
			if len(body) > 5000 {
				http.Error(w, "too large", http.StatusRequestEntityTooLarge)
				return
			}
			pass(w, forward)
		},
		"reset after it was applied": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			if n <= 3 {
				forward()
				cut(w)
				return
			}
			pass(w, forward)
		},
		"answer cut in the middle": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			if n <= 3 {
				_, answer := forward()
				w.Header().Set("X-Elastic-Product", "Elasticsearch")
				w.Header().Set("Content-Length", "100000")
				_, _ = w.Write(answer[:len(answer)/2])
				return
			}
			pass(w, forward)
		},
		"answer too late": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			if n <= 2 {
				forward()
				time.Sleep(2 * time.Second) // the store waits for one
			}
			pass(w, forward)
		},
		"large requests take too long": func(_ int, w http.ResponseWriter, body []byte, forward func() (int, []byte)) {
			if len(body) > 80_000 {
				time.Sleep(2 * time.Second) // the store waits for one
				return
			}
			pass(w, forward)
		},
		"partial failures": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			status, answer := forward()
			if n <= 3 {
				answer = failEach(answer, 3, 429)
			}
			reply(w, status, answer)
		},
		"items of 503, 401, 403, 404": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			status, answer := forward()
			if n <= 4 {
				answer = failEach(answer, 2, []int{503, 401, 403, 404}[n-1])
			}
			reply(w, status, answer)
		},
		"whole requests of 401, 403, 404": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			if n <= 3 {
				refuse(w, []int{401, 403, 404}[n-1], "some_exception", "no")
				return
			}
			pass(w, forward)
		},
		"another server answers": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			if n <= 2 {
				_, _ = w.Write([]byte("hello"))
				return
			}
			pass(w, forward)
		},
		"nonsense": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			status, answer := forward()
			switch n {
			case 1:
				answer = []byte(`{"items":[]}`)
			case 2:
				answer = []byte(`[]`)
			case 3:
				answer = []byte("\x00")
			}
			reply(w, status, answer)
		},
		"everything is malformed for a while": func(n int, w http.ResponseWriter, _ []byte, forward func() (int, []byte)) {
			if n <= 600 {
				refuse(w, 400, "illegal_argument_exception", "misconfigured")
				return
			}
			pass(w, forward)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t, node, newProxy(t, node, f).URL, func(c *elastic.Config) { c.Timeout = time.Second })
			l.publish(numbered(200)...)
			l.start()
			l.finish(200, 0)
		})
	}
}

func pass(w http.ResponseWriter, forward func() (int, []byte)) {
	status, answer := forward()
	reply(w, status, answer)
}

// failEach makes every n-th item of an answer a failure, although the node has applied it.
func failEach(answer []byte, n, status int) []byte {
	var form struct {
		Items []map[string]any `json:"items"`
	}
	if json.Unmarshal(answer, &form) != nil {
		return answer
	}
	for i := range form.Items {
		if i%n == 0 {
			form.Items[i] = map[string]any{"create": map[string]any{
				"status": status, "error": map[string]any{"type": "some_exception", "reason": "not now"}}}
		}
	}
	out, err := json.Marshal(form)
	if err != nil {
		return answer
	}
	return out
}

// One document that a proxy finds too large is a dead letter; the others are not held up.
func TestTooLarge(t *testing.T) {
	node := testenv.Elasticsearch(t)
	p := newProxy(t, node, func(_ int, w http.ResponseWriter, body []byte, forward func() (int, []byte)) {
		if len(body) > 50_000 {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		pass(w, forward)
	})
	l := newLine(t, node, p.URL, nil)
	large := lineAlert(1000)
	large.FullLog = bytes.Repeat([]byte("x"), 60_000)
	l.publish(append(numbered(50), large)...)
	l.start()
	l.finish(50, 1)
}

// A mapping conflict in one document of a thousand: its data is set aside, it stays visible, nothing else is touched.
func TestMappingConflict(t *testing.T) {
	node := testenv.Elasticsearch(t)
	l := newLine(t, node, "", nil)
	l.start()
	l.publish(lineAlert(5000)) // data.n is a keyword from now on
	l.await("the first", l.x.Idle)
	alerts := numbered(1000)
	alerts[500].Data = []byte(`{"n":{"an":"object"}}`)
	alerts[501].Data = []byte(`{"n":["a",{"b":1}]}`)
	alerts[502].Data = []byte(`{"m":` + strings.Repeat(`{"d":`, 60) + `1` + strings.Repeat(`}`, 60) + `}`)
	alerts[503].Data = []byte(`{"twice":1,"twice":2}`)
	alerts[504].Data = []byte(`{"":"empty name","a..b":"empty part"}`)
	alerts[505].Data = []byte(`{"aws":{"requestParameters":"no object"}}`)
	l.publish(alerts...)
	l.finish(1001, 0)
	for _, i := range []int{500, 501, 502, 503, 504, 505} {
		page := l.find("id:" + alerts[i].GetId())
		if len(page.Hits) != 1 || !bytes.Contains(page.Hits[0].JSON, []byte(`"unmapped_data":{`)) {
			t.Errorf("alert %d: %d hits, %s", i, len(page.Hits), page.Hits)
		}
	}
	if page := l.find("data.n:1 AND rule.groups:g"); page.Total != 995 {
		t.Errorf("%d alerts with mapped data, want 995", page.Total)
	}
	if page := l.find("NOT data:*"); page.Total != 6 {
		t.Errorf("%d alerts without mapped data, want 6", page.Total)
	}
}

// More different fields than the index maps: the rest is kept, not indexed, and no alert fails.
func TestManyFields(t *testing.T) {
	node := testenv.Elasticsearch(t)
	l := newLine(t, node, "", nil)
	var alerts []*armorv1.Alert
	for i := range 15 {
		a := lineAlert(i)
		var b strings.Builder
		b.WriteString(`{"common":"x"`)
		for k := range 200 {
			b.WriteString(`,"f` + strings.Repeat("i", i) + `_` + strings.Repeat("k", k) + `":"v"`)
		}
		b.WriteString("}")
		a.Data = []byte(b.String())
		alerts = append(alerts, a)
	}
	l.publish(alerts...)
	l.start()
	l.finish(15, 0)
	if page := l.find("rule.groups:g"); page.Total != 15 || !bytes.Contains(page.Hits[0].JSON, []byte(`"data":{`)) {
		t.Errorf("%d alerts", page.Total)
	}
}

func (l *line) find(text string) store.Page {
	l.t.Helper()
	if err := l.direct.Refresh(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	page, err := l.direct.Search(l.t.Context(), store.Search{Filter: store.Filter{Query: parse(l.t, text)}, Size: 100})
	if err != nil {
		l.t.Fatal(err)
	}
	return page
}
