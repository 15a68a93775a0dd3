package console

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const testToken = "0123456789abcdef0123456789abcdef"

func writeToken(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(testToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newHandler(t testing.TB, cfg Config, deps Deps) *Console {
	t.Helper()
	if cfg.TokenFile == "" {
		cfg.TokenFile = writeToken(t)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return New(cfg, deps, slog.New(slog.DiscardHandler)).(*Console)
}

// serve starts the console on a port of its own, through Serve, and gives its address without a token.
func serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, handler, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + listener.Addr().String()
}

// request asks the handler with the session cookie set.
func request(t testing.TB, c *Console, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:5610"+path, nil)
	creds := newCredentials(testToken)
	r.AddCookie(&http.Cookie{Name: creds.cookieName, Value: creds.cookieValue})
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func getJSON[T any](t testing.TB, c *Console, path string) T {
	t.Helper()
	w := request(t, c, path)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: status %d, %s", path, w.Code, w.Body)
	}
	var body T
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, w.Body)
	}
	return body
}

func getError(t testing.TB, c *Console, path string, status int) apiError {
	t.Helper()
	w := request(t, c, path)
	if w.Code != status {
		t.Fatalf("GET %s: status %d instead of %d, %s", path, w.Code, status, w.Body)
	}
	var body struct{ Error apiError }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, w.Body)
	}
	return body.Error
}

// browserClient is an HTTP client that opened the console with its address.
func browserClient(t testing.TB, base string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	res, err := client.Get(base + "/?token=" + testToken)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("opening the console: status %d, %v", res.StatusCode, err)
	}
	return client
}
