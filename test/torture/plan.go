// Package torture offers Armor lines while its processes are killed and its links broken, and then counts what came out: it
// promises that a run can be repeated from its seed, and that a pass means that nothing was lost, doubled, invented or out of
// order.
package torture

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"armor/test/torture/bulk"
	"armor/test/torture/wire"
)

// Step is one fault of a run: after Wait it begins, and it holds for Hold.
type Step struct {
	Wait, Hold time.Duration
	// Name is what is done, such as "kill agent" or "stream: down".
	Name string
}

// The names of a step are a verb and a victim, or a link and its fault.
const (
	killAgent, killManager, killIndexer = "kill agent", "kill manager", "kill indexer"
	killNATS, killElastic               = "kill nats-server", "kill Elasticsearch"
	stopAgent, stopManager, stopIndexer = "stop agent", "stop manager", "stop indexer"
	stopNATS, stopElastic               = "stop nats-server", "stop Elasticsearch"
	linkGRPC, linkStream, linkBulk      = "grpc: ", "stream: ", "bulk: "
)

// isKill says whether a step counts as a kill.
func isKill(name string) bool { return strings.HasPrefix(name, "kill ") }

// neighbourEvery is the least time between two kills of nats-server, and of Elasticsearch, in a long run.
const neighbourEvery = 2 * time.Minute

// Kills plans n kills, spread over a time: nats-server and Elasticsearch once each, and again at most every two minutes.
func Kills(rng *rand.Rand, n int, over time.Duration) []Step {
	neighbours := 1 + int(over/neighbourEvery)
	neighbours = min(neighbours, max(1, n/4))
	names := make([]string, 0, n)
	for range n - 2*neighbours {
		names = append(names, []string{killAgent, killAgent, killManager, killIndexer}[rng.IntN(4)])
	}
	// Each kind of neighbour is spread evenly.
	for _, name := range []string{killNATS, killElastic} {
		for i := range neighbours {
			span := max(1, n/neighbours)
			names = slices.Insert(names, min(len(names), i*span+rng.IntN(max(1, span/4+1))+span/4), name)
		}
	}
	return timed(rng, names, over, 300*time.Millisecond, 1500*time.Millisecond)
}

// Links plans every fault of every link and every stop at least once, in random order, again and again for a time.
func Links(rng *rand.Rand, over time.Duration) []Step {
	all := []string{stopAgent, stopManager, stopIndexer, stopNATS, stopElastic}
	for _, f := range wire.Faults() {
		all = append(all, linkGRPC+string(f))
	}
	all = append(all, linkStream+string(wire.Cut), linkStream+string(wire.Refuse), linkStream+string(wire.HalfOpen))
	for _, f := range bulk.Faults() {
		all = append(all, linkBulk+string(f))
	}
	var names []string
	for rounds := max(1, int(over/(5*time.Minute))); rounds > 0; rounds-- {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		names = append(names, all...)
	}
	least, most := 500*time.Millisecond, 2*time.Second
	if over > 5*time.Minute {
		least, most = time.Second, 12*time.Second
	}
	return timed(rng, names, over, least, most)
}

// timed gives each name its wait and hold.
func timed(rng *rand.Rand, names []string, over, least, most time.Duration) []Step {
	steps := make([]Step, len(names))
	each := over / time.Duration(max(1, len(names)))
	for i, name := range names {
		hold := min(least+time.Duration(rng.Int64N(int64(most-least))), each)
		wait := time.Duration(0)
		if each > hold {
			wait = time.Duration(rng.Int64N(int64(2*(each-hold)) + 1))
		}
		steps[i] = Step{Wait: wait, Hold: hold, Name: name}
	}
	return steps
}

func (s Step) String() string {
	return fmt.Sprintf("%s for %s", s.Name, s.Hold.Round(time.Millisecond))
}
