// Package bulk is a proxy in front of Elasticsearch that does to bulk requests what a loaded, failing or misconfigured cluster
// does. With no fault on, requests and answers pass unchanged.
package bulk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault is what the proxy does to requests.
type Fault string

// The faults. All but Down touch bulk requests only.
const (
	None            Fault = ""
	TooMany         Fault = "429 storm"
	Unavailable     Fault = "503"
	TooLarge        Fault = "413"                     // for requests of more than two items
	Partial         Fault = "partial failures"        // every third item is refused with 429, the others are written
	LateAnswer      Fault = "late answer"             // written at once, answered after the client has given up
	ResetAfterWrite Fault = "reset after the bulk"    // written, then the connection breaks without an answer
	Conflict        Fault = "mapping conflict"        // one item of a request cannot be mapped as it is
	Down            Fault = "Elasticsearch link down" // every connection breaks
)

// Faults are all there are.
func Faults() []Fault {
	return []Fault{TooMany, Unavailable, TooLarge, Partial, LateAnswer, ResetAfterWrite, Conflict, Down}
}

// LateBy is how late an answer is under LateAnswer.
const LateBy = 8 * time.Second

// Proxy is the proxy, as an HTTP handler.
type Proxy struct {
	target string
	client *http.Client

	mu    sync.Mutex
	rng   *rand.Rand
	fault Fault
	hits  map[Fault]int
}

// New is a proxy in front of a node's URL. seed is that of its choices.
func New(target string, seed uint64) *Proxy {
	return &Proxy{
		target: strings.TrimSuffix(target, "/"), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
		rng: rand.New(rand.NewPCG(seed, 2)), hits: map[Fault]int{},
	}
}

// Set turns a fault on until Set(None).
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// Hits is how many requests each fault has touched.
func (p *Proxy) Hits(f Fault) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[f]
}

func (p *Proxy) hit(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits[f]++
}

// ServeHTTP passes one request on, or does to it what the fault in force wants.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	fault := p.fault
	p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	if fault != Down && !strings.HasSuffix(r.URL.Path, "/_bulk") {
		fault = None
	}
	if r.Header.Get("Content-Encoding") != "" && (fault == Partial || fault == Conflict || fault == TooLarge) {
		refuse(w, http.StatusUnsupportedMediaType) // a loud end: this proxy reads plain bodies
		return
	}
	switch fault {
	case TooMany, Unavailable:
		p.hit(fault)
		refuse(w, map[Fault]int{TooMany: http.StatusTooManyRequests, Unavailable: http.StatusServiceUnavailable}[fault])
	case TooLarge:
		if len(parse(body)) <= 2 {
			p.pass(w, r, body)
			return
		}
		p.hit(fault)
		refuse(w, http.StatusRequestEntityTooLarge)
	case Down:
		p.hit(fault)
		breakConnection(w)
	case ResetAfterWrite, LateAnswer:
		p.hit(fault)
		// Also when the client gives up meanwhile.
		if _, err := p.forward(context.WithoutCancel(r.Context()), r, body); err == nil && fault == LateAnswer {
			late := time.NewTimer(LateBy)
			defer late.Stop()
			select {
			case <-late.C:
			case <-r.Context().Done():
			}
		}
		breakConnection(w)
	case Partial, Conflict:
		p.hit(fault)
		p.some(w, r, parse(body), fault)
	case None:
		p.pass(w, r, body)
	}
}

// answer is what the node said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// forward sends a request to the node and reads the answer.
func (p *Proxy) forward(ctx context.Context, r *http.Request, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, p.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Accept-Encoding") // answers are read here
	resp, err := p.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, text}, err
}

func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, body []byte) {
	got, err := p.forward(r.Context(), r, body)
	if err != nil {
		breakConnection(w)
		return
	}
	for name, values := range got.header {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(got.status)
	w.Write(got.body) //nolint:errcheck // the client may have gone
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"type":"torture","reason":"fault proxy"},"status":%d}`, status)
}

// breakConnection ends it with RST and no answer.
func breakConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // which ends it as well
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) //nolint:errcheck // it is closed at once
	}
	conn.Close()
}
