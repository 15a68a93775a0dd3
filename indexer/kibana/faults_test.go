package kibana_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"armor/indexer/kibana"
	"armor/indexer/kibana/kibanatest"
)

// toImports makes a fault of imports alone.
func toImports(f func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/_import") {
			return false
		}
		f(w)
		return true
	}
}

type object = map[string]any

// Errors as Kibana, or a proxy before it, gives them: each says what happened and what helps, in one line.
func TestErrorsOfKibana(t *testing.T) {
	html := func(status int, page string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(page))
		}
	}
	refuse := func(status int, message string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { kibanatest.Refuse(w, status, message) }
	}
	failed := func(count int, faults ...object) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			kibanatest.Answer(w, http.StatusOK, object{"success": false, "successCount": count, "warnings": []any{}, "errors": faults})
		}
	}
	fault := func(kind string, id string, err object) object {
		return object{"type": kind, "id": id, "title": "T", "meta": object{"title": "Amazon EC2", "icon": "dashboardApp"}, "error": err}
	}
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   []string
	}{
		"may not write": {
			refuse(403, "Unable to bulk_create dashboard,index-pattern,lens,search,tag"),
			[]string{"may read only", "Kibana privilege All on Dashboard", "(refused: dashboard,index-pattern,lens,search,tag)", "in space default"},
		},
		"may not use the call": {
			refuse(403, "API [POST /api/saved_objects/_import?overwrite=true] is unauthorized for user, this action is granted by the Kibana privileges [all]"),
			[]string{"may read only", "is granted by the Kibana privileges [all]"},
		},
		"locked":        {refuse(409, "Conflict: version conflict, document already exists"), []string{"answers 409", "version conflict"}},
		"too large":     {refuse(413, "Payload content length greater than maximum allowed: 26214400"), []string{"answers 413", "26214400", "savedObjects.maxImportPayloadBytes"}},
		"proxy's limit": {html(413, "<html><head><title>413 Request Entity Too Large</title></head><body><center><h1>413 Request Entity Too Large</h1></center><hr><center>nginx</center></body></html>"), []string{"413 Request Entity Too Large 413 Request Entity Too Large nginx", "the body limit of the proxy"}},
		"no header":     {refuse(400, "Request must contain a kbn-xsrf header."), []string{"kbn-xsrf"}},
		"later objects": {refuse(422, `Document "armor-panel-pie-chart" belongs to a more recent version of Kibana [8.9.0] when the last known version is [8.0.0].`), []string{"more recent version", "update Kibana"}},
		"log-in page": {
			func(w http.ResponseWriter) {
				w.Header().Set("Location", "/login?next=%2F")
				w.WriteHeader(http.StatusFound)
			},
			[]string{"leads to /login", "it wants a log-in"},
		},
		"moved": {
			func(w http.ResponseWriter) {
				w.Header().Set("Location", "https://kibana.example.com/kibana/")
				w.WriteHeader(http.StatusMovedPermanently)
			},
			[]string{"leads to https://kibana.example.com/kibana/", "give the address"},
		},
		"internal":  {refuse(500, "An internal server error occurred. Check Kibana server logs for details."), []string{"answers 500", "Check Kibana server logs"}},
		"no body":   {func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, []string{"Internal Server Error"}},
		"a page":    {html(200, "<html><script>var x = 1</script><body>Welcome\x1b[2J</body></html>"), []string{"is not Kibana", `"Welcome [2J"`}},
		"other":     {func(w http.ResponseWriter) { kibanatest.Answer(w, 200, object{"ok": true}) }, []string{"is not Kibana", "another form"}},
		"too few":   {func(w http.ResponseWriter) { kibanatest.Answer(w, 200, object{"success": true, "successCount": 3}) }, []string{"took 3 objects of", "names no error"}},
		"no reason": {failed(0), []string{"does not say which or why"}},
		"missing reference": {
			failed(33, fault("dashboard", "armor-dashboard-hosts", object{"type": "missing_references", "references": []object{{"type": "index-pattern", "id": "armor-alerts"}}})),
			[]string{"took 33 objects and refused 1", "dashboard armor-dashboard-hosts (Amazon EC2): refers to index-pattern armor-alerts"},
		},
		"conflict": {failed(0, fault("lens", "armor-panel-users", object{"type": "conflict"})), []string{"lens armor-panel-users", "another object has this id"}},
		"ambiguous": {
			failed(0, fault("lens", "armor-panel-users", object{"type": "ambiguous_conflict", "destinations": []object{{"id": "a"}, {"id": "b"}}})),
			[]string{"several copies of it (a, b)"},
		},
		"unsupported": {
			failed(1, fault("tag", "armor-tag", object{"type": "unsupported_type"}), fault("lens", "armor-panel-users", object{"type": "unsupported_type"})),
			[]string{"refused 2", "tag armor-tag", "lens armor-panel-users", "does not know the type"},
		},
		"unknown": {failed(0, fault("lens", "x", object{"type": "unknown", "message": "boom\x1b[2J\nmore", "statusCode": 500})), []string{"boom [2J more (status 500)"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := kibanatest.New(t, "8.12.2")
			server.Fault(toImports(c.answer))
			k, at := client(t, kibana.Config{URL: server.URL, Wait: time.Minute})
			_, err := setup(t, k)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\r\x1b") || len(at.told) > 0 {
				t.Errorf("%q, waited for %q", err, at.told)
			}
			var some *kibana.ImportError
			if errors.As(err, &some) != strings.HasPrefix(err.Error(), "Kibana took") {
				t.Errorf("%T: %v", err, err)
			}
		})
	}
}

func TestReadOnlyUser(t *testing.T) {
	server := kibanatest.New(t, "8.12.2", "soc")
	server.ReadOnly()
	c, _ := client(t, kibana.Config{URL: server.URL, Space: "soc"})
	_, err := setup(t, c)
	var answer *kibana.AnswerError
	if !errors.As(err, &answer) || answer.Status != http.StatusForbidden || !strings.Contains(err.Error(), "in space soc") {
		t.Errorf("%v", err)
	}
	if len(server.Objects("soc")) > 0 {
		t.Error("something was written")
	}
	if findings, err := c.Verify(t.Context()); err != nil || findings[0].State != kibana.Missing {
		t.Errorf("a reader cannot check: %v, %v", findings, err)
	}
}

// A space that does not exist takes an import, and nobody ever sees it: it must not come so far.
func TestUnknownSpace(t *testing.T) {
	server := kibanatest.New(t, "8.12.2")
	c, _ := client(t, kibana.Config{URL: server.URL, Space: "scc"})
	if _, err := setup(t, c); err == nil || !strings.Contains(err.Error(), `there is no space "scc"`) || server.Imports() != 0 {
		t.Errorf("%v, %d imports", err, server.Imports())
	}
}

func TestVersions(t *testing.T) {
	for version, want := range map[string]string{
		"8.0.0": "", "8.19.9": "", "9.1.0-SNAPSHOT": "", "": "", "7.17.29": "version 7.17.29 of Kibana is too old", "x": "version x of Kibana is too old",
	} {
		server := kibanatest.New(t, version)
		c, _ := client(t, kibana.Config{URL: server.URL})
		got, err := c.Ready(t.Context())
		if got != version || want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %q, %v", version, got, err)
		}
	}
}

// While Kibana starts, it is waited for, whatever form its answers have, and each is told once.
func TestWaits(t *testing.T) {
	server := kibanatest.New(t, "8.12.2")
	count := 0
	server.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		count++
		switch {
		case count <= 2:
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("Kibana server is not ready yet"))
		case count == 3:
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte("<html><h1>502 Bad Gateway</h1></html>"))
		case count == 4:
			kibanatest.Answer(w, 503, object{"status": object{"overall": object{"level": "unavailable", "summary": "4 services are unavailable: elasticsearch"}}})
		case count == 5:
			kibanatest.Answer(w, 200, object{"status": object{"overall": object{"level": "critical"}}})
		case count == 6:
			panic(http.ErrAbortHandler) // the connection breaks: asked again without a word
		case strings.HasSuffix(r.URL.Path, "_import") && count <= 9:
			kibanatest.Refuse(w, 429, "Too many requests")
		default:
			return false
		}
		return true
	})
	c, at := client(t, kibana.Config{URL: server.URL, Wait: time.Minute})
	if _, err := setup(t, c); err != nil {
		t.Fatalf("%v, told %q", err, at.told)
	}
	for _, want := range []string{"Kibana server is not ready yet", "502 Bad Gateway", "unavailable: 4 services are unavailable", "it is critical", "Too many requests"} {
		times := strings.Count(strings.Join(at.told, "\n"), want)
		if times != 1 {
			t.Errorf("%q is told %d times: %q", want, times, at.told)
		}
	}
}

func TestWaitsNoLonger(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // nobody listens there any more
	c, at := client(t, kibana.Config{URL: server.URL, Wait: time.Minute})
	_, err := c.Ready(t.Context())
	if err == nil || !strings.Contains(err.Error(), "waited 1m0s for Kibana in vain") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v", err)
	}
	if waited := at.now.Sub(time.Unix(0, 0)); waited != time.Minute || len(at.told) < 4 || len(at.told) > 8 {
		t.Errorf("waited %v, told %q", waited, at.told)
	}
	if c, at = client(t, kibana.Config{URL: server.URL}); true {
		if _, err := c.Ready(t.Context()); err == nil || len(at.told) > 0 {
			t.Errorf("without waiting: %v, told %q", err, at.told)
		}
	}
	c, _ = client(t, kibana.Config{URL: server.URL, Wait: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Ready(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestNotKibana(t *testing.T) {
	for want, answer := range map[string]func(w http.ResponseWriter){
		"this is Elasticsearch: give the address of Kibana": func(w http.ResponseWriter) {
			w.Header().Set("X-Elastic-Product", "Elasticsearch")
			kibanatest.Answer(w, 400, object{"error": "no handler found for uri [/api/status] and method [GET]"})
		},
		"check the address, and Kibana's base path": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"is not a Kibana from version 8 on": func(w http.ResponseWriter) {
			kibanatest.Answer(w, 200, object{"status": object{"overall": object{"state": "green"}}})
		},
		"/api/status is answered with": func(w http.ResponseWriter) { _, _ = w.Write([]byte("hello")) },
		"no handler found for uri": func(w http.ResponseWriter) {
			kibanatest.Answer(w, 400, object{"error": "no handler found for uri [/api/status]"})
		},
		"is larger than 33554432 bytes": func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 33<<20)) },
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
		c, at := client(t, kibana.Config{URL: server.URL, Wait: time.Minute})
		_, err := c.Ready(t.Context())
		server.Close()
		if err == nil || !strings.Contains(err.Error(), want) || len(at.told) > 0 {
			t.Errorf("%v, want %q; waited for %q", err, want, at.told)
		}
	}
}

func TestBasePath(t *testing.T) {
	inner := kibanatest.Make("8.12.2")
	server := httptest.NewServer(http.StripPrefix("/kibana", inner))
	t.Cleanup(server.Close)
	c, _ := client(t, kibana.Config{URL: server.URL + "/kibana/"})
	if _, err := setup(t, c); err != nil || inner.Imports() != 1 {
		t.Errorf("%v, %d imports", err, inner.Imports())
	}
}

// An export that may not give an object names it with a 403 inside of a 400.
func TestVerifyWithoutRights(t *testing.T) {
	server := kibanatest.New(t, "8.12.2")
	server.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/_export") {
			return false
		}
		kibanatest.Answer(w, 400, object{"statusCode": 400, "error": "Bad Request", "message": "Error fetching objects to export", "attributes": object{"objects": []object{
			{"type": "tag", "id": "armor-tag", "error": object{"statusCode": 404, "message": "Saved object [tag/armor-tag] not found"}},
			{"type": "lens", "id": "armor-panel-users", "error": object{"statusCode": 403, "message": "Unable to bulk_get lens"}},
		}}})
		return true
	})
	c, _ := client(t, kibana.Config{URL: server.URL})
	_, err := c.Verify(t.Context())
	if err == nil || !strings.Contains(err.Error(), "lens armor-panel-users: Unable to bulk_get lens") || !strings.Contains(err.Error(), "may not read: give it a role with the Kibana privilege Read") {
		t.Errorf("%v", err)
	}
	server.Fault(func(w http.ResponseWriter, r *http.Request) bool { // names objects that nobody asked for
		if strings.HasSuffix(r.URL.Path, "/_export") {
			kibanatest.Answer(w, 400, object{"message": "Error", "attributes": object{"objects": []object{{"type": "x", "id": "y", "error": object{"statusCode": 404}}}}})
			return true
		}
		return false
	})
	if _, err := c.Verify(t.Context()); err == nil {
		t.Error("no error")
	}
}

func TestVerifyAsksInVain(t *testing.T) {
	for path, want := range map[string]kibana.State{"/api/data_views/data_view/armor-alerts": kibana.Unknown, "/api/saved_objects/_export": ""} {
		server := kibanatest.New(t, "8.12.2")
		c, _ := client(t, kibana.Config{URL: server.URL})
		if _, err := setup(t, c); err != nil {
			t.Fatal(err)
		}
		server.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path {
				kibanatest.Refuse(w, 403, "Forbidden")
			}
			return r.URL.Path == path
		})
		findings, err := c.Verify(t.Context())
		if want == "" && (err == nil || !strings.Contains(err.Error(), "looking for the dashboards")) {
			t.Errorf("%s: %v", path, err)
		}
		if want != "" && (err != nil || findings[len(findings)-1].State != want) {
			t.Errorf("%s: %v, %v", path, findings, err)
		}
	}
}
