package test

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/conservation"
)

// agentMetrics reads an agent's conservation counters from its metrics.
func (c *cluster) agentMetrics(i int) (map[string]uint64, error) {
	response, err := http.Get("http://" + c.debug[i] + "/metrics")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	counters := map[string]uint64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line, ok := strings.CutPrefix(lines.Text(), "armor_agent_")
		name, value, both := strings.Cut(line, " ")
		if !ok || !both {
			continue
		}
		labels := ""
		if at := strings.IndexByte(name, '{'); at >= 0 {
			name, labels = name[:at], name[at:]
		}
		name = strings.TrimSuffix(name, "_total")
		if reason := strings.Trim(strings.TrimPrefix(labels, `{reason=`), `"}`); name == "dropped" && reason != "" {
			name += "_" + reason
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", name, err)
		}
		counters[name] += uint64(n)
	}
	return counters, lines.Err()
}

// agentDone says whether an agent has read and handed over everything: nothing is spooled, and its counters balance.
func (c *cluster) agentDone(i int) error {
	counters, err := c.agentMetrics(i)
	if err != nil {
		return err
	}
	if counters["spooled"] > 0 {
		return fmt.Errorf("%v", counters)
	}
	return conservation.Check(&armorv1.ComponentStatus{Name: "agent", Counters: counters})
}
