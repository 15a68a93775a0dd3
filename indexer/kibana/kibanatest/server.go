// Package kibanatest stands in for a Kibana in tests: it takes what Kibana's API takes, refuses what that refuses, and answers in
// its forms. It shows nothing: whether a dashboard looks right, only a real Kibana can tell.
package kibanatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Object is a saved object as the stand-in keeps it.
type Object = map[string]any

// Server is the stand-in.
type Server struct {
	*httptest.Server

	mu sync.Mutex
	// version that the status tells; empty: it tells none, as to people who are not logged in.
	version string
	// authorization that every request must carry; empty: none.
	authorization string
	// readOnly users may not write.
	readOnly bool
	// fault answers a request itself, and says so by true.
	fault func(w http.ResponseWriter, r *http.Request) bool
	// fields that the data view knows, with whether they are aggregatable.
	fields  map[string]bool
	spaces  map[string]map[string]Object // objects by space, by type and id
	imports int
}

// New starts a Kibana of a version with the default space and the spaces named. It ends with the test.
func New(t testing.TB, version string, spaces ...string) *Server {
	t.Helper()
	s := Make(version, spaces...)
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// Make makes a stand-in that listens nowhere yet.
func Make(version string, spaces ...string) *Server {
	s := &Server{version: version, spaces: map[string]map[string]Object{"default": {}}}
	for _, name := range spaces {
		s.spaces[name] = map[string]Object{}
	}
	return s
}

// Authorize makes the stand-in ask for a log-in: the value of the header Authorization.
func (s *Server) Authorize(header string) { s.locked(func() { s.authorization = header }) }

// ReadOnly makes the user one who may only read.
func (s *Server) ReadOnly() { s.locked(func() { s.readOnly = true }) }

// Fault lets f answer requests before the stand-in does; f says by true that it did.
func (s *Server) Fault(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.locked(func() { s.fault = f })
}

// Fields are those that the data view knows, with whether they are aggregatable.
func (s *Server) Fields(fields map[string]bool) { s.locked(func() { s.fields = fields }) }

// Objects are the objects of a space, by type and id.
func (s *Server) Objects(space string) map[string]Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.spaces[space])
}

// Change changes an object of a space; nil deletes it.
func (s *Server) Change(space, key string, f func(Object) Object) {
	s.locked(func() {
		if o := f(s.spaces[space][key]); o != nil {
			s.spaces[space][key] = o
		} else {
			delete(s.spaces[space], key)
		}
	})
}

// Imports is how many imports were taken.
func (s *Server) Imports() (n int) {
	s.locked(func() { n = s.imports })
	return n
}

func (s *Server) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// ServeHTTP answers as Kibana does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	fault, authorization := s.fault, s.authorization
	s.mu.Unlock()
	w.Header().Set("Kbn-Name", "kibana")
	if fault != nil && fault(w, r) {
		return
	}
	if r.URL.Path == "/api/status" && r.Header.Get("Authorization") != authorization {
		Answer(w, http.StatusOK, object{"status": object{"overall": object{"level": "available"}}}) // without its version
		return
	}
	if r.Header.Get("Authorization") != authorization {
		w.Header().Set("WWW-Authenticate", `Basic realm="security" charset="UTF-8", ApiKey`)
		Refuse(w, http.StatusUnauthorized, `[security_exception: [security_exception] Reason: unable to authenticate user [x] for REST request [/_security/_authenticate]]`)
		return
	}
	if r.Method != http.MethodGet && r.Header.Get("Kbn-Xsrf") == "" {
		Refuse(w, http.StatusBadRequest, "Request must contain a kbn-xsrf header.")
		return
	}
	space, path := "default", r.URL.Path
	if rest, ok := strings.CutPrefix(path, "/s/"); ok {
		space, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Method == http.MethodGet && path == "/api/status":
		s.status(w)
	case r.Method == http.MethodGet && strings.HasPrefix(path, "/api/spaces/space/"):
		s.space(w, strings.TrimPrefix(path, "/api/spaces/space/"))
	case r.Method == http.MethodPost && path == "/api/saved_objects/_import":
		s.load(w, r, space)
	case r.Method == http.MethodPost && path == "/api/saved_objects/_export":
		s.export(w, r, space)
	case r.Method == http.MethodGet && strings.HasPrefix(path, "/api/data_views/data_view/"):
		s.dataView(w, space, strings.TrimPrefix(path, "/api/data_views/data_view/"))
	default:
		Refuse(w, http.StatusNotFound, "Not Found")
	}
}

type object = map[string]any

// Answer writes JSON.
func Answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// Refuse writes an error in Kibana's form.
func Refuse(w http.ResponseWriter, status int, message string) {
	Answer(w, status, object{"statusCode": status, "error": http.StatusText(status), "message": message})
}

func (s *Server) status(w http.ResponseWriter) {
	body := object{"name": "kibana", "status": object{"overall": object{"level": "available", "summary": "All services and plugins are available"}}}
	if s.version != "" {
		body["version"] = object{"number": s.version, "build_number": 1, "build_snapshot": false}
	}
	Answer(w, http.StatusOK, body)
}

func (s *Server) space(w http.ResponseWriter, name string) {
	if s.spaces[name] == nil {
		Refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	Answer(w, http.StatusOK, object{"id": name, "name": name, "disabledFeatures": []string{}})
}

// load is the import. As the real one, it does not ask whether the space exists.
func (s *Server) load(w http.ResponseWriter, r *http.Request, space string) {
	file, header, err := r.FormFile("file")
	if err != nil {
		Refuse(w, http.StatusBadRequest, "[request body.file]: expected value of type [Stream] but got [undefined]")
		return
	}
	if !strings.HasSuffix(header.Filename, ".ndjson") {
		Refuse(w, http.StatusBadRequest, "Invalid file extension ."+header.Filename)
		return
	}
	body, _ := io.ReadAll(file)
	objects, err := decode(body)
	if err != nil {
		Refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if s.readOnly {
		Refuse(w, http.StatusForbidden, "Unable to bulk_create dashboard,index-pattern,lens,search,tag")
		return
	}
	if s.spaces[space] == nil {
		s.spaces[space] = map[string]Object{}
	}
	var faults, taken []object
	for _, o := range objects {
		if fault := s.refuses(o, objects, space, r.URL.Query().Get("overwrite") == "true"); fault != nil {
			meta := object{"icon": "dashboardApp", "title": title(o)}
			faults = append(faults, object{"type": o["type"], "id": o["id"], "title": title(o), "meta": meta, "error": fault})
			continue
		}
		taken = append(taken, object{"type": o["type"], "id": o["id"], "meta": object{"title": title(o)}, "overwrite": true, "managed": false})
		s.spaces[space][key(o)] = o
	}
	s.imports++
	answer := object{"successCount": len(taken), "success": len(faults) == 0, "warnings": []any{}, "successResults": taken}
	if len(faults) > 0 {
		answer["errors"] = faults
	}
	Answer(w, http.StatusOK, answer)
}

func decode(body []byte) ([]Object, error) {
	var out []Object
	seen := map[string]bool{}
	for line := range bytes.Lines(body) {
		var o Object
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("Unexpected token in JSON: %w", err) //nolint:staticcheck // in Kibana's words
		}
		if seen[key(o)] {
			return nil, fmt.Errorf("Non-unique import objects detected: [%s]", key(o)) //nolint:staticcheck // in Kibana's words
		}
		seen[key(o)] = true
		out = append(out, o)
	}
	return out, nil
}

func key(o Object) string { return fmt.Sprint(o["type"], " ", o["id"]) }

func title(o Object) string {
	attributes, _ := o["attributes"].(map[string]any)
	for _, name := range []string{"title", "name"} {
		if s, ok := attributes[name].(string); ok {
			return s
		}
	}
	return ""
}

// refuses says why an object is not taken; nil: it is. Only data views and searches are looked for, as in Kibana.
func (s *Server) refuses(o Object, file []Object, space string, overwrite bool) object {
	switch o["type"] {
	case "tag", "index-pattern", "lens", "search", "dashboard", "visualization":
	default:
		return object{"type": "unsupported_type"}
	}
	if _, there := s.spaces[space][key(o)]; there && !overwrite {
		return object{"type": "conflict"}
	}
	var missing []object
	references, _ := o["references"].([]any)
	for _, r := range references {
		ref, _ := r.(map[string]any)
		if ref["type"] != "index-pattern" && ref["type"] != "search" || s.spaces[space][key(ref)] != nil {
			continue
		}
		found := false
		for _, other := range file {
			found = found || key(other) == key(ref)
		}
		if !found {
			missing = append(missing, object{"type": ref["type"], "id": ref["id"]})
		}
	}
	if missing != nil {
		return object{"type": "missing_references", "references": missing}
	}
	return nil
}

func (s *Server) export(w http.ResponseWriter, r *http.Request, space string) {
	var ask struct {
		Objects []struct{ Type, ID string } `json:"objects"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || len(ask.Objects) == 0 {
		Refuse(w, http.StatusBadRequest, "Either `type` or `objects` are required.")
		return
	}
	var found []Object
	var missing []object
	for _, a := range ask.Objects {
		o, ok := s.spaces[space][a.Type+" "+a.ID]
		if !ok {
			missing = append(missing, object{"type": a.Type, "id": a.ID, "error": object{
				"statusCode": 404, "error": "Not Found", "message": fmt.Sprintf("Saved object [%s/%s] not found", a.Type, a.ID),
			}})
		}
		found = append(found, o)
	}
	if missing != nil {
		Answer(w, http.StatusBadRequest, object{
			"statusCode": 400, "error": "Bad Request", "message": "Error fetching objects to export", "attributes": object{"objects": missing},
		})
		return
	}
	w.Header().Set("Content-Type", "application/ndjson")
	for i, o := range found { // lines with ends between them, none after the last
		line, _ := json.Marshal(o)
		if i > 0 {
			_, _ = w.Write([]byte("\n"))
		}
		_, _ = w.Write(line)
	}
}

func (s *Server) dataView(w http.ResponseWriter, space, id string) {
	o, ok := s.spaces[space]["index-pattern "+id]
	if !ok {
		Refuse(w, http.StatusNotFound, fmt.Sprintf("Saved object [index-pattern/%s] not found", id))
		return
	}
	fields := object{"_id": object{"name": "_id", "type": "string", "aggregatable": false}}
	for name, aggregatable := range s.fields {
		fields[name] = object{"name": name, "type": "string", "aggregatable": aggregatable, "searchable": true}
	}
	Answer(w, http.StatusOK, object{"data_view": object{"id": id, "title": title(o), "fields": fields}})
}
