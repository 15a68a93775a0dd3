package console

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
)

func TestTokenBecomesCookieAndLeavesTheAddress(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost:5610/?token="+testToken+"&q=rule.level%3A%3E%3D5", nil))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/?q=rule.level%3A%3E%3D5" {
		t.Fatalf("status %d, location %q", w.Code, w.Header().Get("Location"))
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Path != "/" {
		t.Fatalf("cookies %v", cookies)
	}
	if strings.Contains(cookies[0].Value, testToken) {
		t.Error("the cookie carries the token itself")
	}
	page := request(t, c, "/")
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "Stacked Groups") {
		t.Fatalf("page with cookie: status %d", page.Code)
	}
}

func TestNothingWithoutAccess(t *testing.T) {
	m := &memory{}
	m.put(hit(ec2Alert(0, testNow)))
	c := newHandler(t, Config{}, Deps{Store: m})
	paths := []string{"/", "/?token=wrong", "/?token=", "/api/v1/span", "/api/v1/overview", "/api/v1/values", "/api/v1/alerts", "/api/v1/alerts/x", "/api/v1/export?format=csv", "/api/v1/watch", "/api/v1/agents", "/api/v1/status", "/api/v1/rules/80301"}
	changes := map[string]func(*http.Request){
		"nothing":      func(*http.Request) {},
		"wrong bearer": func(r *http.Request) { r.Header.Set("Authorization", "Bearer nothing") },
		"empty bearer": func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") },
		"wrong cookie": func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: newCredentials(testToken).cookieName, Value: testToken})
		},
		"agent's certificate": func(r *http.Request) { r.TLS = certificate("armor://agent/7") },
		"no path":             func(r *http.Request) { r.TLS = certificate("armor://operator/") },
	}
	for name, change := range changes {
		for _, path := range paths {
			r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:5610"+path, nil)
			change(r)
			w := httptest.NewRecorder()
			c.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "Amazon") || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s, %s: status %d", name, path, w.Code)
			}
		}
	}
	if m.asks > 0 {
		t.Error("the store was asked")
	}
}

func TestScriptsAndOperatorsGetIn(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	for name, change := range map[string]func(*http.Request){
		"bearer":      func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+testToken) },
		"certificate": func(r *http.Request) { r.TLS = certificate("armor://operator/marta") },
	} {
		r := httptest.NewRequest(http.MethodGet, "https://127.0.0.1:5610/api/v1/span", nil)
		r.TLS = nil
		change(r)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d %s", name, w.Code, w.Body)
		}
	}
}

func certificate(uri string) *tls.ConnectionState {
	u, err := url.Parse(uri)
	if err != nil {
		panic(err)
	}
	return &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{URIs: []*url.URL{u}}}}}
}

func TestHosts(t *testing.T) {
	c := newHandler(t, Config{AllowedHosts: []string{"Console.example.org", "10.0.0.5:8443"}}, Deps{Store: &memory{}})
	for host, ok := range map[string]bool{
		"127.0.0.1:5610": true, "localhost": true, "LOCALHOST:1": true, "[::1]:5610": true, "127.9.9.9": true,
		"console.example.org": true, "CONSOLE.example.org:9": true, "10.0.0.5:8443": true,
		"10.0.0.5": false, "10.0.0.5:1": false, "evil.example": false, "localhost.evil.example:5610": false, "127.0.0.1.evil.example": false, "": false, "console.example.org.": false,
	} {
		w := request(t, c, "/api/v1/span", func(r *http.Request) { r.Host = host })
		if got := w.Code == http.StatusOK; got != ok {
			t.Errorf("host %q: status %d", host, w.Code)
		}
		if !ok && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("host %q: status %d", host, w.Code)
		}
	}
}

func TestOtherOriginsGetNothing(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
		func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:9999") },
		func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		w := request(t, c, "/api/v1/span", change)
		if w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("status %d, %v", w.Code, w.Header())
		}
	}
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") },
		func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:5610") },
	} {
		if w := request(t, c, "/api/v1/span", change); w.Code != http.StatusOK {
			t.Errorf("same origin: status %d", w.Code)
		}
	}
}

func TestOnlyReadingMethods(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		w := request(t, c, "/api/v1/span", func(r *http.Request) { r.Method = method })
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d", method, w.Code)
		}
	}
}

func TestSecurityHeadersAreOnEveryAnswer(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	for _, path := range []string{"/", "/assets/js/app.js", "/api/v1/span", "/api/v1/alerts?q=(", "/nothing"} {
		h := request(t, c, path).Header()
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		policy := h.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestTokenFile(t *testing.T) {
	path := writeToken(t)
	c := newHandler(t, Config{TokenFile: path}, Deps{Store: &memory{}})
	address, err := Address("http://127.0.0.1:5610/", path)
	if err != nil || address != "http://127.0.0.1:5610/?token="+testToken {
		t.Fatalf("address %q, %v", address, err)
	}
	if w := request(t, c, "/"); w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	if err := os.WriteFile(path, []byte("another token, just as long as it has to be"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := request(t, c, "/"); w.Code != http.StatusUnauthorized {
		t.Errorf("after a new token: status %d", w.Code)
	}
	for _, content := range []string{"", "short", strings.Repeat("x", 5000)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if w := request(t, c, "/"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("token of %d bytes: status %d", len(content), w.Code)
		}
		if _, err := Address("http://x", path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("token of %d bytes: error %v", len(content), err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if w := request(t, c, "/api/v1/span"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without a token file: status %d", w.Code)
	}
}

func TestValidateNamesEverySetting(t *testing.T) {
	err := Config{AllowedHosts: []string{"http://x/"}, MaxWatchers: -1, QueryTimeout: -1, ExportLimit: -1}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"token_file", "allowed_hosts", "max_watchers", "query_timeout", "export_limit"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
}
