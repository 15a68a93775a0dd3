// Package lines offers log lines of which each must raise exactly one alert: numbered from 1 without a gap in every source, so
// that what is missing, doubled or out of turn can be told from the alerts alone.
package lines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Rule is the number of the alert that each line raises.
const Rule = 100900

// Ruleset writes a ruleset directory under which each line raises Rule and nothing else does.
func Ruleset(dir string) error {
	for name, text := range map[string]string{
		"decoders/torture.xml": `<decoder name="json"><prematch>^{\s*"</prematch><plugin_decoder>JSON_Decoder</plugin_decoder></decoder>`,
		"rules/torture.xml": fmt.Sprintf(`<group name="torture,"><rule id="%d" level="5"><decoded_as>json</decoded_as>`+
			`<field name="torture.source">\.+</field><description>$(torture.source) $(torture.n)</description></rule></group>`, Rule),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the ruleset: %w", err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			return fmt.Errorf("making the ruleset: %w", err)
		}
	}
	return os.MkdirAll(filepath.Join(dir, "lists"), 0o755)
}

// Source is one file that grows.
type Source struct {
	// Name of the source, which its lines carry.
	Name string
	// Quiet is how many lines without an alert come with each one that raises one.
	Quiet int
	path  string
	rng   *rand.Rand
	n     atomic.Uint64
}

// NewSource is a source that writes to a file in dir. Equal seeds give equal lines.
func NewSource(dir, name string, seed uint64) *Source {
	return &Source{Name: name, path: filepath.Join(dir, name+".log"), rng: rand.New(rand.NewPCG(seed, uint64(len(name))))}
}

// Offered is the number of lines that raise an alert written so far: they have the numbers 1 to Offered.
func (s *Source) Offered() uint64 { return s.n.Load() }

// tick is the time between two writes.
const tick = 20 * time.Millisecond

// Run writes lines that raise an alert at a rate per second (and the quiet ones with them) until ctx ends or quota lines are written (0: no quota). Writes end where they happen
// to, also within a line; the last line is complete when Run returns.
func (s *Source) Run(ctx context.Context, rate float64, quota uint64) error {
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("offering lines: %w", err)
	}
	defer f.Close()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	began, first := time.Now(), s.n.Load()
	for {
		select {
		case <-ctx.Done():
			return f.Close()
		case <-ticker.C:
		}
		due := first + uint64(time.Since(began).Seconds()*rate)
		if quota > 0 {
			due = min(due, quota)
		}
		if err := s.write(f, due); err != nil {
			return fmt.Errorf("offering lines: %w", err)
		}
		if quota > 0 && s.n.Load() >= quota {
			return f.Close()
		}
	}
}

// write adds the lines up to number due, in two writes that meet anywhere.
func (s *Source) write(f *os.File, due uint64) error {
	var b bytes.Buffer
	n := s.n.Load()
	for n < due {
		n++
		for range s.Quiet {
			fmt.Fprintf(&b, `{"quiet":%q,"noise":%q}`+"\n", s.Name, strings.Repeat("x", s.rng.IntN(120)))
		}
		fmt.Fprintf(&b, `{"torture":{"source":%q,"n":"%d"},"noise":%q}`+"\n", s.Name, n, strings.Repeat("x", s.rng.IntN(120)))
	}
	if b.Len() == 0 {
		return nil
	}
	cut := s.rng.IntN(b.Len())
	_, first := f.Write(b.Bytes()[:cut])
	_, second := f.Write(b.Bytes()[cut:])
	s.n.Store(n)
	return errors.Join(first, second)
}

// Parse reads source and number out of a line.
func Parse(line []byte) (source string, n uint64, err error) {
	var l struct {
		Torture struct {
			Source string `json:"source"`
			N      uint64 `json:"n,string"`
		} `json:"torture"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return "", 0, fmt.Errorf("%.200q is no line of the generator: %w", line, err)
	}
	if l.Torture.Source == "" || l.Torture.N == 0 {
		return "", 0, fmt.Errorf("%.200q is no line of the generator: it has no source or number", line)
	}
	return l.Torture.Source, l.Torture.N, nil
}
