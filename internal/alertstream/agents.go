package alertstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

// ErrConflict is the error of Agents.Put when somebody else has written the record since.
var ErrConflict = errors.New("the agent's record was changed by another manager")

// Agents is the record of every agent, which all managers share.
type Agents struct {
	conn *Conn
	kv   jetstream.KeyValue
}

// Agents opens the bucket.
func (c *Conn) Agents(ctx context.Context) (*Agents, error) {
	js, err := c.jetStream()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	kv, err := js.KeyValue(ctx, AgentBucket)
	if err != nil {
		return nil, classify("opening key-value bucket "+AgentBucket, err)
	}
	return &Agents{conn: c, kv: kv}, nil
}

// Get gives a record and its revision; for an unknown agent nil and 0.
func (a *Agents) Get(ctx context.Context, id string) (*armorv1.Agent, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	entry, err := a.kv.Get(ctx, id)
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, classify("reading the record of agent "+id, err)
	}
	agent, err := decodeAgent(entry)
	if err != nil {
		return nil, entry.Revision(), err
	}
	return agent, entry.Revision(), nil
}

// Put writes a record if its revision is still the given one (0: there is none yet), else it fails with ErrConflict. It gives
// the new revision.
func (a *Agents) Put(ctx context.Context, agent *armorv1.Agent, revision uint64) (uint64, error) {
	data, err := proto.Marshal(agent)
	if err != nil {
		return 0, &PermanentError{fmt.Errorf("encoding the record of agent %s: %w", agent.GetId(), err)}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var next uint64
	if revision == 0 {
		next, err = a.kv.Create(ctx, agent.GetId(), data)
	} else {
		next, err = a.kv.Update(ctx, agent.GetId(), data, revision)
	}
	if err == nil {
		return next, nil
	}
	var api *jetstream.APIError
	if errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return 0, fmt.Errorf("writing the record of agent %s: %w", agent.GetId(), ErrConflict)
	}
	return 0, classify("writing the record of agent "+agent.GetId(), err)
}

// List gives all records, by id.
func (a *Agents) List(ctx context.Context) ([]*armorv1.Agent, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	watcher, err := a.kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, classify("listing agents", err)
	}
	defer func() { _ = watcher.Stop() }() // the list is complete, or has failed already
	var out []*armorv1.Agent
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("listing agents: %w", ctx.Err())
		case entry, open := <-watcher.Updates():
			if !open {
				return nil, fmt.Errorf("listing agents: %w", ErrClosed)
			}
			if entry == nil {
				slices.SortFunc(out, func(x, y *armorv1.Agent) int { return strings.Compare(x.GetId(), y.GetId()) })
				return out, nil
			}
			agent, err := decodeAgent(entry)
			if err != nil {
				a.conn.log.Warn("leaving out a record that cannot be read", "err", err)
				continue
			}
			out = append(out, agent)
		}
	}
}

// Delete forgets an agent; an unknown one is no error.
func (a *Agents) Delete(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return classify("forgetting agent "+id, a.kv.Purge(ctx, id))
}

func decodeAgent(entry jetstream.KeyValueEntry) (*armorv1.Agent, error) {
	agent := new(armorv1.Agent)
	if err := proto.Unmarshal(entry.Value(), agent); err != nil {
		return nil, &PermanentError{fmt.Errorf("decoding the record of agent %s (revision %d): %w", entry.Key(), entry.Revision(), err)}
	}
	return agent, nil
}

// boundedBy gives ctx a deadline if it has none, as some calls of the client library demand.
func boundedBy(ctx context.Context) context.Context {
	if _, ok := ctx.Deadline(); ok {
		return ctx
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	context.AfterFunc(ctx, cancel)
	return ctx
}
