package torture

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"armor/test/torture/bulk"
	"armor/test/torture/rig"
	"armor/test/torture/wire"
)

// neighbour is what nats-server and Elasticsearch have in common.
type neighbour interface {
	Kill()
	Start(testing.TB)
	Pause(testing.TB)
	Resume(testing.TB)
	PID() int
}

// inflict does what a step says and takes it back after its time. What was killed runs again when it returns.
func (r *run) inflict(s Step, rng *rand.Rand) error {
	verb, victim, _ := strings.Cut(s.Name, " ")
	switch {
	case strings.HasPrefix(s.Name, linkGRPC):
		hold(r.rig.GRPC.Set, wire.Fault(strings.TrimPrefix(s.Name, linkGRPC)), wire.None, s.Hold)
		return nil
	case strings.HasPrefix(s.Name, linkStream):
		hold(r.rig.Stream.Set, wire.Fault(strings.TrimPrefix(s.Name, linkStream)), wire.None, s.Hold)
		return nil
	case strings.HasPrefix(s.Name, linkBulk):
		f := bulk.Fault(strings.TrimPrefix(s.Name, linkBulk))
		hold(r.rig.Bulk.Set, f, bulk.None, s.Hold)
		return nil
	}
	var n neighbour
	var p *rig.Process
	switch victim {
	case "agent":
		p = r.rig.Agents[rng.IntN(len(r.rig.Agents))]
	case "manager":
		p = r.rig.Manager
	case "indexer":
		p = r.rig.Indexer
	case "nats-server":
		n = r.rig.NATS
	case "Elasticsearch":
		n = r.rig.Elastic
	default:
		return fmt.Errorf("step %q: nobody knows how", s.Name)
	}
	if n != nil {
		r.inflictNeighbour(n, verb, s.Hold)
		return nil
	}
	if verb == "stop" {
		err := p.Signal(syscall.SIGSTOP)
		time.Sleep(s.Hold)
		return ended(errors.Join(err, p.Signal(syscall.SIGCONT)))
	}
	if err := p.Kill(); err != nil {
		return errors.Join(err, p.Start())
	}
	time.Sleep(s.Hold)
	return p.Start()
}

// ended forgives a signal to a process that the other lane had killed.
func ended(err error) error {
	if strings.Contains(fmt.Sprint(err), "process already finished") {
		return nil
	}
	return err
}

func (r *run) inflictNeighbour(n neighbour, verb string, d time.Duration) {
	r.neighbours.Lock() // one lane at a time
	defer r.neighbours.Unlock()
	if verb == "stop" {
		n.Pause(r.t)
		time.Sleep(d)
		n.Resume(r.t)
		return
	}
	n.Kill()
	time.Sleep(d)
	n.Start(r.t)
}

func hold[F any](set func(F), on, off F, d time.Duration) {
	set(on)
	time.Sleep(d)
	set(off)
}
