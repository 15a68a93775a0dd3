package bulk

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// node answers a bulk request with 201 for each item, and counts the items.
func node(t *testing.T) (url string, written *int) {
	t.Helper()
	written = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var answers []string
		for range parse(body) {
			*written++
			answers = append(answers, `{"create":{"status":201}}`)
		}
		io.WriteString(w, `{"took":1,"errors":false,"items":[`+strings.Join(answers, ",")+`]}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, written
}

func TestFaults(t *testing.T) {
	const request = `{"create":{"_id":"a"}}` + "\n{}\n" + `{"create":{"_id":"b"}}` + "\n{}\n" + `{"create":{"_id":"c"}}` + "\n{}\n"
	for _, c := range []struct {
		fault           Fault
		status, written int // status 0: no answer
		refused         int // items
	}{
		{None, 200, 3, 0},
		{TooMany, 429, 0, 0},
		{Unavailable, 503, 0, 0},
		{TooLarge, 413, 0, 0},
		{Partial, 200, 2, 1},
		{Conflict, 200, 2, 1},
		{ResetAfterWrite, 0, 3, 0},
		{Down, 0, 0, 0},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			url, written := node(t)
			p := New(url, 1)
			server := httptest.NewServer(p)
			defer server.Close()
			p.Set(c.fault)
			status, refused := 0, 0
			if resp, err := http.Post(server.URL+"/_bulk", "application/x-ndjson", strings.NewReader(request)); err == nil {
				defer resp.Body.Close()
				status = resp.StatusCode
				var answer struct {
					Items []map[string]struct{ Status int }
				}
				if status == http.StatusOK {
					if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Items) != 3 {
						t.Errorf("%d items, %v", len(answer.Items), err)
					}
				}
				for _, it := range answer.Items {
					if it["create"].Status != http.StatusCreated {
						refused++
					}
				}
			}
			if status != c.status || *written != c.written || refused != c.refused {
				t.Errorf("status %d, %d written, %d refused; want %d, %d, %d", status, *written, refused, c.status, c.written, c.refused)
			}
			if c.fault != None && p.Hits(c.fault) != 1 {
				t.Errorf("%d hits", p.Hits(c.fault))
			}
		})
	}
}
