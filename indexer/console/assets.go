package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// asset is one file of the page, ready to send.
type asset struct {
	contentType string
	etag        string
	plain       []byte
	packed      []byte // gzip; nil where it saves nothing
}

// assets are the files of the page by path below assets/. They hold no secrets and are served without a session.
type assets map[string]asset

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

func newAssets() assets {
	all := assets{}
	// Walking an embedded tree cannot fail; a file of an unlisted kind is not served.
	_ = fs.WalkDir(assetFiles, "assets", func(name string, entry fs.DirEntry, err error) error {
		kind, served := contentTypes[path.Ext(name)]
		if err != nil || entry.IsDir() || !served {
			return err
		}
		data, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		a := asset{contentType: kind, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, plain: data}
		if packed := pack(data); len(packed) < len(data)*9/10 {
			a.packed = packed
		}
		all[strings.TrimPrefix(name, "assets/")] = a
		return nil
	})
	return all
}

func pack(data []byte) []byte {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return data
	}
	if _, err := w.Write(data); err != nil {
		return data
	}
	if err := w.Close(); err != nil {
		return data
	}
	return buf.Bytes()
}

func (a assets) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/assets/")
	if _, ok := a[name]; !ok || path.Ext(name) == ".html" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	a.send(w, r, name, http.StatusOK)
}

// servePage sends one of the HTML pages, which no cache may keep.
func (a assets) servePage(w http.ResponseWriter, r *http.Request, name string, status int) {
	a.send(w, r, name, status)
}

func (a assets) send(w http.ResponseWriter, r *http.Request, name string, status int) {
	file := a[name]
	h := w.Header()
	h.Set("Content-Type", file.contentType)
	h.Set("Vary", "Accept-Encoding")
	if status == http.StatusOK {
		h.Set("ETag", file.etag)
		if r.Header.Get("If-None-Match") == file.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := file.plain
	if file.packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.packed
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the browser went away: nobody to tell
	}
}
