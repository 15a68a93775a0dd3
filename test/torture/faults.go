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
		return hold(r.rig.GRPC, wire.Fault(strings.TrimPrefix(s.Name, linkGRPC)), s.Hold)
	case strings.HasPrefix(s.Name, linkStream):
		return hold(r.rig.Stream, wire.Fault(strings.TrimPrefix(s.Name, linkStream)), s.Hold)
	case strings.HasPrefix(s.Name, linkBulk):
		return hold(r.rig.Bulk, bulk.Fault(strings.TrimPrefix(s.Name, linkBulk)), s.Hold)
	}
	if s.Name == managersAway {
		return away(r.rig.Managers, s.Hold)
	}
	var n neighbour
	var p *rig.Process
	switch victim {
	case "agent":
		p = r.rig.Agents[rng.IntN(len(r.rig.Agents))]
	case "manager":
		p = r.rig.Managers[rng.IntN(len(r.rig.Managers))]
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

// away kills processes and starts them again after a time.
func away(processes []*rig.Process, d time.Duration) error {
	var errs []error
	for _, p := range processes {
		errs = append(errs, p.Kill())
	}
	time.Sleep(d)
	for _, p := range processes {
		errs = append(errs, p.Start())
	}
	return errors.Join(errs...)
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

// proxy is what the proxies have in common.
type proxy[F ~string] interface {
	Set(F)
	Hits(F) int
}

// touchLimit is how much longer a fault stays on until it has touched something.
const touchLimit = time.Minute

// hold turns a fault on for a time, and longer until it has touched something: a fault that met no traffic was none.
func hold[F ~string](p proxy[F], f F, d time.Duration) error {
	before := p.Hits(f)
	p.Set(f)
	defer p.Set("")
	time.Sleep(d)
	for waited := time.Duration(0); p.Hits(f) == before; waited += touchEvery {
		if waited > touchLimit {
			return fmt.Errorf("it touched nothing within %s", d+touchLimit)
		}
		// What happens once, happens again.
		p.Set(f)
		time.Sleep(touchEvery)
	}
	return nil
}

const touchEvery = 100 * time.Millisecond
