package torture

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/test/torture/bulk"
	"armor/test/torture/wire"
)

func names(steps []Step) map[string]int {
	counts := map[string]int{}
	for _, s := range steps {
		counts[s.Name]++
	}
	return counts
}

func TestPlanRepeats(t *testing.T) {
	plan := func(seed uint64) []Step {
		rng := rand.New(rand.NewPCG(seed, 1))
		return append(Kills(rng, 50, time.Minute), Links(rng, time.Minute)...)
	}
	if diff := cmp.Diff(plan(5), plan(5)); diff != "" {
		t.Errorf("one seed, two plans:\n%s", diff)
	}
	if cmp.Equal(plan(5), plan(6)) {
		t.Error("two seeds, one plan")
	}
}

func TestPlanHasEveryFault(t *testing.T) {
	for seed := range uint64(50) {
		for _, over := range []time.Duration{45 * time.Second, 30 * time.Minute} {
			n := 20
			if over > time.Minute {
				n = 200
			}
			rng := rand.New(rand.NewPCG(seed, 1))
			kills := names(Kills(rng, n, over))
			total := 0
			for _, count := range kills {
				total += count
			}
			if total != n {
				t.Fatalf("seed %d: %d kills, want %d: %v", seed, total, n, kills)
			}
			for _, name := range []string{killNATS, killElastic} {
				if most := 1 + int(over/neighbourEvery); kills[name] < 1 || kills[name] > most {
					t.Errorf("seed %d: %s %d times, want 1 to %d", seed, name, kills[name], most)
				}
			}
			for _, name := range []string{killAgent, killManager, killIndexer} {
				if kills[name] == 0 {
					t.Errorf("seed %d: no %s", seed, name)
				}
			}
			links := names(Links(rng, over))
			for _, f := range wire.Faults() {
				if links[linkGRPC+string(f)] == 0 {
					t.Errorf("seed %d: no %s%s", seed, linkGRPC, f)
				}
			}
			for _, f := range bulk.Faults() {
				if links[linkBulk+string(f)] == 0 {
					t.Errorf("seed %d: no %s%s", seed, linkBulk, f)
				}
			}
			if len(links) != 5+len(wire.Faults())+3+len(bulk.Faults()) {
				t.Errorf("seed %d: %d kinds of faults: %v", seed, len(links), links)
			}
		}
	}
}
