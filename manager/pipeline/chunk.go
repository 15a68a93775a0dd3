package pipeline

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// chunkSize is how many events are decoded at a time: few enough that their working memories stay in the cache, enough that
// handing them to another goroutine costs nothing beside.
const chunkSize = 32

// chunk is a part of a batch that one goroutine decodes.
type chunk struct {
	force   *force
	agent   *Agent
	replay  bool
	events  []*armorv1.Event
	slots   []*slot
	claimed atomic.Bool
	done    chan struct{}
}

// chunks cuts a batch.
func chunks(f *force, agent *Agent, replay bool, events []*armorv1.Event) []*chunk {
	out := make([]*chunk, 0, (len(events)+chunkSize-1)/chunkSize)
	for len(events) > 0 {
		n := min(len(events), chunkSize)
		out = append(out, &chunk{force: f, agent: agent, replay: replay, events: events[:n:n], done: make(chan struct{})})
		events = events[n:]
	}
	return out
}

// offer lets a worker decode the chunk, if one has room; if not, its owner does it.
func (p *Pipeline) offer(c *chunk) {
	if p.cfg.Workers < 2 {
		return
	}
	select {
	case p.tasks <- c:
	default:
	}
}

// decodeTasks is a worker.
func (p *Pipeline) decodeTasks() {
	for {
		select {
		case <-p.life.Done():
			return
		case c := <-p.tasks:
			c.decode()
		}
	}
}

// decode decodes the chunk unless somebody else has begun to.
func (c *chunk) decode() {
	if !c.claimed.CompareAndSwap(false, true) {
		return
	}
	c.slots = make([]*slot, len(c.events))
	for i, ev := range c.events {
		s := c.force.slot()
		c.slots[i] = s
		s.event = EngineEvent(c.agent, ev)
		s.event.Replay = c.replay
		c.decodeOne(s)
	}
	close(c.done)
}

// decodeOne turns a panic into the slot's error: one event must not take the others with it.
func (c *chunk) decodeOne(s *slot) {
	defer func() {
		if r := recover(); r != nil {
			s.err = &panicError{doing: "decoding", value: r, stack: debug.Stack()}
		}
	}()
	c.force.engine.Decode(&s.event, s.x)
}

// EngineEvent is an agent's event as the engine sees it. It points into the event's body, which nobody changes.
func EngineEvent(agent *Agent, ev *armorv1.Event) rules.Event {
	return rules.Event{
		AgentID: agent.ID, AgentName: agent.Name, Location: ev.GetLocation(), Log: asString(ev.GetBody()), Time: eventTime(ev),
	}
}

// asString gives the bytes of a body as a string without copying: nobody changes a body.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// panicError is a panic of the engine.
type panicError struct {
	doing string
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic while %s: %v", e.doing, e.value) }
