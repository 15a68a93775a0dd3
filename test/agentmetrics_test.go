package test

import (
	"context"
	"fmt"

	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/conservation"
)

// agentMetrics reads an agent's conservation counters.
func (c *cluster) agentMetrics(i int) (map[string]uint64, error) {
	return testenv.AgentCounters(context.Background(), c.debug[i])
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
