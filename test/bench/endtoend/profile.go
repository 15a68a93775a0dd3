package endtoend

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// profileFor is how long a CPU profile takes, in seconds. A measurement that is profiled lasts at least as long.
const profileFor = 5

// profile begins to take CPU profiles of agent and manager, if they are asked for; the function that it gives waits for them.
func (p *plant) profile(ctx context.Context, name string) (wait func() error) {
	var taking errgroup.Group
	if p.m.Profiles != "" {
		taking.Go(func() error {
			return takeProfile(ctx, p.managerDebug, filepath.Join(p.m.Profiles, "manager-"+name+".pprof"))
		})
		taking.Go(func() error {
			if err := p.agent.Await(ctx, func(ctx context.Context) error { return ready(ctx, p.agentDebug) }); err != nil {
				return err
			}
			return takeProfile(ctx, p.agentDebug, filepath.Join(p.m.Profiles, "agent-"+name+".pprof"))
		})
	}
	return taking.Wait
}

func takeProfile(ctx context.Context, address, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, profileFor), http.NoBody)
	if err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, content)
	}
	if err == nil {
		err = os.WriteFile(path, content, 0o644)
	}
	if err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	return nil
}
