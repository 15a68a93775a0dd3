package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"armor/internal/rpc"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/conservation"
	"armor/test/torture/tally"
)

// client is for all looks at a part that may be stopped.
var client = &http.Client{Timeout: 2 * time.Second}

func get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

// AgentCounters are the conservation counters of agent i since it was started.
func (r *Rig) AgentCounters(ctx context.Context, i int) (map[string]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, client.Timeout)
	defer cancel()
	return testenv.AgentCounters(ctx, r.Agents[i].debug)
}

// Balanced checks the conservation counters of every process. They hold at rest.
func (r *Rig) Balanced(ctx context.Context) error {
	for i, p := range r.Agents {
		counters, err := r.AgentCounters(ctx, i)
		if err != nil {
			return err
		}
		if counters["spooled"] > 0 {
			return fmt.Errorf("%s is not at rest: %d spooled", p.Name, counters["spooled"])
		}
		if err := conservation.Check(&armorv1.ComponentStatus{Name: "agent", Counters: counters}); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	for _, address := range r.managerAddresses {
		if err := balanced(ctx, rpc.ClientConfig{Address: address, TokenFile: r.managerToken()}); err != nil {
			return err
		}
	}
	return balanced(ctx, rpc.ClientConfig{Address: r.indexerAddress, TokenFile: filepath.Join(r.Dir, "indexer", "token")})
}

func balanced(ctx context.Context, cfg rpc.ClientConfig) error {
	conn, err := rpc.Dial(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	status, err := armorv1.NewStatusServiceClient(conn).GetProcessStatus(ctx, &armorv1.GetProcessStatusRequest{})
	if err != nil {
		return err
	}
	for _, c := range status.GetComponents() {
		if err := conservation.Check(c); err != nil {
			return err
		}
	}
	return nil
}

// Stored is the number of alerts in Elasticsearch, asked past the proxies.
func (r *Rig) Stored(ctx context.Context) (uint64, error) {
	resp, err := get(ctx, r.Elastic.URL()+"/armor-alerts/_count")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("counting the alerts: %s", resp.Status)
	}
	var answer struct {
		Count uint64 `json:"count"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("counting the alerts: %w", err)
	}
	return answer.Count, nil
}

const (
	// readSpan is how much of the store one command reads: finding a place among millions of alerts costs more than reading on.
	readSpan = 30 * time.Second
	// readers are how many commands read at a time.
	readers = 2
)

// ReadStore counts every alert of the store, read as an operator would: span by span since a time, and what lies outside.
func (r *Rig) ReadStore(ctx context.Context, since time.Time, into *tally.Tally) error {
	since = since.UTC().Truncate(readSpan)
	spans := [][]string{{"--until", since.Format(time.RFC3339)}}
	for ; since.Before(time.Now()); since = since.Add(readSpan) {
		spans = append(spans, []string{"--since", since.Format(time.RFC3339), "--until", since.Add(readSpan).Format(time.RFC3339)})
	}
	spans = append(spans, []string{"--since", since.Format(time.RFC3339)})
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(readers)
	for _, span := range spans {
		reading.Go(func() error { return r.readStore(ctx, into, span...) })
	}
	return reading.Wait()
}

func (r *Rig) readStore(ctx context.Context, into *tally.Tally, span ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(r.programs, "armor"), append([]string{
		"alerts", "search", "--json", "--limit", "0",
		"--address", r.indexerAddress, "--token-file", filepath.Join(r.Dir, "indexer", "token"),
	}, span...)...)
	var errs strings.Builder
	cmd.Stderr, cmd.Dir = &errs, r.Dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("reading the store: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("reading the store: %w", err)
	}
	bad := into.Documents(out)
	io.Copy(io.Discard, out) //nolint:errcheck // so that the command can end
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("reading the store: %w: %s", err, errs.String())
	}
	return bad
}
