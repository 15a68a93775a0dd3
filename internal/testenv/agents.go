package testenv

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// FreeAddress is a loopback address that was free a moment ago, for a program that is told where to listen.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// AgentCounters reads the conservation counters of an agent, since it was started, from the metrics of its debug address.
func AgentCounters(ctx context.Context, debugAddress string) (map[string]uint64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+debugAddress+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	counters := map[string]uint64{}
	rows := bufio.NewScanner(resp.Body)
	for rows.Scan() {
		row, ok := strings.CutPrefix(rows.Text(), "armor_agent_")
		name, value, both := strings.Cut(row, " ")
		if !ok || !both {
			continue
		}
		name, labels, _ := strings.Cut(name, "{")
		name = strings.TrimSuffix(name, "_total")
		if reason, ok := strings.CutPrefix(labels, `reason="`); ok && name == "dropped" {
			name += "_" + strings.TrimSuffix(reason, `"}`)
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", name, err)
		}
		counters[name] += uint64(n)
	}
	return counters, rows.Err()
}
