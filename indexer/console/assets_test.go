package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

func readAsset(t *testing.T, name string) string {
	t.Helper()
	data, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestChartIsTheFileThatWasVendored(t *testing.T) {
	want := strings.Fields(readAsset(t, "vendor/chart.umd.js.sha256"))[0]
	sum := sha256.Sum256([]byte(readAsset(t, "vendor/chart.umd.js")))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("chart.umd.js has SHA-256 %s, its .sha256 file says %s", got, want)
	}
	if !strings.Contains(readAsset(t, "vendor/chart.LICENSE.txt"), "MIT License") {
		t.Error("the licence is missing")
	}
}

// TestPageNeedsNothingInline checks what the content policy forbids, and what would turn text into markup.
func TestPageNeedsNothingInline(t *testing.T) {
	bad := map[string]*regexp.Regexp{
		".html": regexp.MustCompile(`(?i)<style|\sstyle=|\son\w+=|<script>|javascript:|=\"https?://`),
		".css":  regexp.MustCompile(`(?i)@import|url\(|https?://`),
		".js":   regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc|createContextualFragment|https?://`),
	}
	files := 0
	err := fs.WalkDir(assetFiles, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(name, "/vendor/") {
			return err
		}
		data, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		if check, ok := bad[path.Ext(name)]; ok {
			files++
			// The one address outside that the page knows: a link that a person may follow.
			data = bytes.ReplaceAll(data, []byte("href: `https://attack.mitre.org/techniques/"), nil)
			if found := check.Find(data); found != nil {
				t.Errorf("%s has %q", name, found)
			}
		}
		return nil
	})
	if err != nil || files < 20 {
		t.Errorf("%d files checked, %v", files, err)
	}
}

func TestEverythingThatThePageNamesIsServed(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	named := regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"|from '(\./[^']+)'`)
	todo, seen := []string{"index.html", "unauthorized.html"}, map[string]bool{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, found := range named.FindAllStringSubmatch(readAsset(t, name), -1) {
			next := strings.TrimPrefix(found[1], "/assets/")
			if found[2] != "" {
				next = path.Join(path.Dir(name), found[2])
			}
			w := request(t, c, "/assets/"+next)
			if want := contentTypes[path.Ext(next)]; w.Code != http.StatusOK || w.Header().Get("Content-Type") != want {
				t.Errorf("%s names %s: status %d, type %q", name, next, w.Code, w.Header().Get("Content-Type"))
			}
			if path.Ext(next) != ".svg" {
				todo = append(todo, next)
			}
		}
	}
	err := fs.WalkDir(assetFiles, "assets/js", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !seen[strings.TrimPrefix(name, "assets/")] {
			t.Errorf("%s is used nowhere", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAssetsAreCheckedPackedAndNothingElse(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	w := request(t, c, "/assets/vendor/chart.umd.js", func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip, br") })
	if w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > 90_000 {
		t.Errorf("encoding %q, %d bytes", w.Header().Get("Content-Encoding"), w.Body.Len())
	}
	again := request(t, c, "/assets/vendor/chart.umd.js", func(r *http.Request) { r.Header.Set("If-None-Match", w.Header().Get("ETag")) })
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("second time: status %d, %d bytes", again.Code, again.Body.Len())
	}
	for _, name := range []string{"/assets/", "/assets/index.html", "/assets/js", "/assets/../console.go", "/assets/%2e%2e/console.go", "/assets/vendor/README.md", "/console.go"} {
		if w := request(t, c, name); w.Code == http.StatusOK {
			t.Errorf("%s is served", name)
		}
	}
}
