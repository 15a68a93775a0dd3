package kibana_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"armor/indexer/kibana"
	"armor/indexer/kibana/kibanatest"
	"armor/indexer/panels"
)

// clock is one that waiting moves, so that no test waits.
type clock struct {
	now  time.Time
	told []string
}

func (c *clock) options() kibana.Options {
	return kibana.Options{
		Progress: func(line string) { c.told = append(c.told, line) },
		Sleep: func(ctx context.Context, d time.Duration) error {
			c.now = c.now.Add(d)
			return ctx.Err()
		},
		Now: func() time.Time { return c.now },
	}
}

func client(t *testing.T, cfg kibana.Config) (*kibana.Client, *clock) {
	t.Helper()
	at := &clock{now: time.Unix(0, 0)}
	c, err := kibana.New(cfg, at.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, at
}

// setup does what armor kibana setup does.
func setup(t *testing.T, c *kibana.Client) (kibana.Installed, error) {
	t.Helper()
	if _, err := c.Ready(t.Context()); err != nil {
		return kibana.Installed{}, err
	}
	return c.Install(t.Context())
}

// What goes over the wire is what Kibana's documentation asks for.
func TestImportOnTheWire(t *testing.T) {
	for space, path := range map[string]string{"": "/api/saved_objects/_import", "default": "/api/saved_objects/_import", "soc": "/s/soc/api/saved_objects/_import"} {
		server := kibanatest.New(t, "8.12.2", "soc")
		seen := 0
		server.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			seen++
			if r.URL.Path != path || r.URL.RawQuery != "overwrite=true" {
				t.Errorf("space %q: %s?%s", space, r.URL.Path, r.URL.RawQuery)
			}
			if r.Header.Get("Kbn-Xsrf") != "true" {
				t.Errorf("kbn-xsrf is %q", r.Header.Get("Kbn-Xsrf"))
			}
			kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if err != nil || kind != "multipart/form-data" {
				t.Fatalf("content type %q", r.Header.Get("Content-Type"))
			}
			form := multipart.NewReader(r.Body, parameters["boundary"])
			part, err := form.NextPart()
			if err != nil || part.FormName() != "file" || !strings.HasSuffix(part.FileName(), ".ndjson") {
				t.Fatalf("part %v, %v", part, err)
			}
			body, _ := io.ReadAll(part)
			if string(body) != string(export(t, space)) {
				t.Errorf("space %q: the body is not the export", space)
			}
			if _, err := form.NextPart(); !errors.Is(err, io.EOF) {
				t.Errorf("a second part: %v", err)
			}
			kibanatest.Answer(w, http.StatusOK, map[string]any{"success": true, "successCount": strings.Count(string(body), "\n")})
			return true
		})
		c, _ := client(t, kibana.Config{URL: server.URL + "/", Space: space})
		done, err := setup(t, c)
		if err != nil || seen != 1 || done.Objects < 30 {
			t.Errorf("space %q: %+v, %v, %d imports", space, done, err, seen)
		}
	}
}

func TestSetupIsIdempotent(t *testing.T) {
	server := kibanatest.New(t, "8.19.9")
	c, _ := client(t, kibana.Config{URL: server.URL})
	for range 2 {
		if _, err := setup(t, c); err != nil {
			t.Fatal(err)
		}
	}
	objects, _ := kibana.Objects("")
	if got := server.Objects("default"); len(got) != len(objects) || server.Imports() != 2 {
		t.Errorf("%d objects after %d imports, want %d", len(got), server.Imports(), len(objects))
	}
	for _, l := range c.Links(kibana.Installed{IDs: map[string]string{"dashboard armor-dashboard-hosts": "copy"}}) {
		want := map[string]string{"Amazon EC2": "/app/dashboards#/view/armor-dashboard-amazon-ec2?_g=(time:(from:now-7d,to:now))", "Hosts": "/view/copy?"}[l.Title]
		if !strings.HasPrefix(l.URL, server.URL) || !strings.Contains(l.URL, want) {
			t.Errorf("%s: %s", l.Title, l.URL)
		}
	}
}

func TestLogin(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("elastic:top secret"))
	for _, c := range []struct {
		asks string
		cfg  kibana.Config
		want string
	}{
		{basic, kibana.Config{User: "elastic", PasswordFile: file("password", "top secret\n")}, ""},
		{"ApiKey abc==", kibana.Config{APIKeyFile: file("key", "abc==\r\n")}, ""},
		{basic, kibana.Config{}, "it wants a log-in"},
		{basic, kibana.Config{User: "elastic", PasswordFile: file("wrong", "x")}, "check the user and the password"},
		{"ApiKey abc==", kibana.Config{APIKeyFile: file("old", "old")}, "that it has not expired"},
	} {
		server := kibanatest.New(t, "8.12.2")
		server.Authorize(c.asks)
		c.cfg.URL = server.URL
		k, _ := client(t, c.cfg)
		_, err := setup(t, k)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(kibanatest.Make("8.12.2"))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	plain := kibanatest.New(t, "8.12.2")
	for _, c := range []struct {
		cfg  kibana.Config
		want string
	}{
		{kibana.Config{URL: server.URL, CA: ca}, ""},
		{kibana.Config{URL: server.URL, Wait: time.Minute}, "name its authority with the CA file"},
		{kibana.Config{URL: strings.Replace(plain.URL, "http:", "https:", 1), Wait: time.Minute}, "speaks plain http"},
		{kibana.Config{URL: strings.Replace(server.URL, "https:", "http:", 1)}, "HTTP request to an HTTPS server"},
	} {
		k, at := client(t, c.cfg)
		_, err := setup(t, k)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) || len(at.told) > 0 {
			t.Errorf("%+v: %v, want %q; waited for %q", c.cfg, err, c.want, at.told)
		}
	}
}

func TestValidate(t *testing.T) {
	for want, cfg := range map[string]kibana.Config{
		"no address of Kibana":                {},
		"is not an address":                   {URL: "kibana:5601"},
		"carries a user":                      {URL: "http://elastic:secret@kibana:5601"},
		"is that of a page":                   {URL: "http://kibana:5601/app/home#/"},
		"names a space":                       {URL: "http://kibana:5601/s/soc"},
		"is not a space's identifier":         {URL: "http://kibana:5601", Space: "../x"},
		"choose one of the two":               {URL: "http://kibana:5601", User: "a", PasswordFile: "b", APIKeyFile: "c"},
		"a user and no password file":         {URL: "http://kibana:5601", User: "a"},
		"a password file and no user":         {URL: "http://kibana:5601", PasswordFile: "a"},
		"timeout -1s":                         {URL: "http://kibana:5601", Timeout: -time.Second},
		"wait -1s":                            {URL: "http://kibana:5601", Wait: -time.Second},
		"the authorities' file: open /nowher": {URL: "https://kibana:5601", CA: "/nowhere"},
		"holds no certificate":                {URL: "https://kibana:5601", CA: "client_test.go"},
		"the password: open /nowhere":         {URL: "https://kibana:5601", User: "a", PasswordFile: "/nowhere"},
		"must hold one line, the secret":      {URL: "https://kibana:5601", APIKeyFile: "client_test.go"},
	} {
		_, err := kibana.New(cfg, kibana.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
		}
	}
}

func TestVerify(t *testing.T) {
	server := kibanatest.New(t, "8.12.2", "soc")
	c, _ := client(t, kibana.Config{URL: server.URL, Space: "soc"})
	verify := func() map[string]kibana.Finding {
		t.Helper()
		findings, err := c.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]kibana.Finding{}
		for _, f := range findings {
			out[f.Subject] = f
		}
		return out
	}
	for subject, f := range verify() {
		if f.State != kibana.Missing {
			t.Errorf("before setup: %s is %s", subject, f.State)
		}
	}
	if _, err := setup(t, c); err != nil {
		t.Fatal(err)
	}
	const fields = "fields of armor-alerts-*"
	for subject, f := range verify() {
		if want := map[bool]kibana.State{true: kibana.Unknown, false: kibana.Sound}[subject == fields]; f.State != want {
			t.Errorf("after setup: %s is %s: %s", subject, f.State, f.Detail)
		}
	}
	known := map[string]bool{"@timestamp": true}
	for _, p := range panels.OfDashboards() {
		known[p.Field] = true
	}
	server.Fields(known)
	if f := verify()[fields]; f.State != kibana.Sound {
		t.Errorf("%+v", f)
	}
	known["rule.description"] = false
	delete(known, "source.ip")
	server.Fields(known)
	if f := verify()[fields]; f.State != kibana.Changed || !strings.Contains(f.Detail, "rule.description cannot be counted by (string), source.ip is in no index") {
		t.Errorf("%+v", f)
	}
	server.Change("soc", "lens armor-panel-regions-soc", func(kibanatest.Object) kibanatest.Object { return nil })
	server.Change("soc", "dashboard armor-dashboard-amazon-ec2-soc", func(o kibanatest.Object) kibanatest.Object {
		attributes := o["attributes"].(map[string]any)
		text := strings.Replace(attributes["panelsJSON"].(string), `"title":"Pie Chart"`, `"title":"Cake"`, 1)
		// As later Kibanas write it.
		attributes["panelsJSON"] = strings.Replace(text, `"title":"Users"`, `"embeddableConfig":{"title":"Users"}`, 1)
		return o
	})
	server.Change("soc", "index-pattern armor-alerts-soc", func(o kibanatest.Object) kibanatest.Object {
		o["attributes"].(map[string]any)["timeFieldName"] = "timestamp"
		return o
	})
	server.Change("soc", "tag armor-tag-soc", func(o kibanatest.Object) kibanatest.Object {
		o["attributes"].(map[string]any)["name"] = "Mine\x1b"
		return o
	})
	got := verify()
	for subject, want := range map[string]kibana.Finding{
		"panel Regions":            {State: kibana.Missing, Detail: "run armor kibana setup"},
		"dashboard Amazon EC2":     {State: kibana.Changed, Detail: "it lacks Pie Chart"},
		"data view armor-alerts-*": {State: kibana.Changed, Detail: `its time field is "timestamp"`},
		"tag Armor":                {State: kibana.Changed, Detail: `it is called "Mine"`},
		"dashboard Hosts":          {State: kibana.Sound},
	} {
		if f := got[subject]; f.State != want.State || f.Detail != want.Detail {
			t.Errorf("%s: %+v, want %+v", subject, f, want)
		}
	}
}
