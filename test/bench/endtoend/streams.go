package endtoend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/rpc"
	armorv1 "armor/proto/armor/v1"
)

// Streams is a measurement of the manager with a number of agents that together send a number of events, as fast as it takes
// them. The agents are streams of the measuring program.
type Streams struct {
	Streams         int     `json:"streams"`
	Events          uint64  `json:"events"`
	Alerts          uint64  `json:"alerts"`
	ConnectSeconds  float64 `json:"connect_seconds"`
	WallSeconds     float64 `json:"wall_seconds"`
	EventsPerSecond float64 `json:"events_per_second"`
	// ManagerEventsPerCPU is the events in a second of the manager's CPU.
	ManagerEventsPerCPU float64 `json:"manager_events_per_cpu_second"`
	Usage               Usage   `json:"usage"`
}

// batchEvents is how many events the streams send at a time.
const batchEvents = 100

// Streams measures about n events over a number of streams, at least alertEvery each.
func (m Machinery) Streams(ctx context.Context, dir string, streams int, n uint64) (s Streams, err error) {
	p, err := m.start(ctx, dir)
	if err != nil {
		return Streams{}, err
	}
	defer func() { err = p.close(err) }()
	each := max(n/uint64(streams), alertEvery)
	each -= each % alertEvery
	n = each * uint64(streams)
	clients := make([]*client, streams)
	defer func() {
		for _, c := range clients {
			if c != nil {
				err = errors.Join(err, c.close())
			}
		}
	}()
	began := time.Now()
	var connecting errgroup.Group
	connecting.SetLimit(50)
	for i := range clients {
		connecting.Go(func() (err error) {
			clients[i], err = p.connect(ctx, i, uint64(i)*each, each)
			return err
		})
	}
	if err := connecting.Wait(); err != nil {
		return Streams{}, err
	}
	connected := time.Since(began).Seconds()
	before, err := p.meter()
	if err != nil {
		return Streams{}, err
	}
	sending, ctx := errgroup.WithContext(ctx)
	for _, c := range clients {
		sending.Go(func() error { return c.send(ctx) })
		sending.Go(c.receive)
	}
	if err := sending.Wait(); err != nil {
		return Streams{}, fmt.Errorf("sending over %d streams: %w; the end of the manager's log:\n%s", streams, err, p.manager.Tail())
	}
	after, err := p.meter()
	if err != nil {
		return Streams{}, err
	}
	alerts, err := p.published(context.WithoutCancel(ctx))
	if err != nil {
		return Streams{}, err
	}
	if alerts != n/alertEvery {
		return Streams{}, fmt.Errorf("%d of %d events were to raise an alert; on NATS there are %d", n/alertEvery, n, alerts)
	}
	u, wall := after.since(before), after.at.Sub(before.at).Seconds()
	return Streams{
		Streams: streams, Events: n, Alerts: alerts, ConnectSeconds: connected, WallSeconds: wall,
		EventsPerSecond: float64(n) / wall, ManagerEventsPerCPU: perCPU(n, u.Manager.CPUSeconds), Usage: u,
	}, nil
}

// client is an agent without files and spool.
type client struct {
	stream armorv1.IngestService_StreamClient
	close  func() error

	first, count uint64 // lines
	window       uint64
	receipts     chan uint64
}

// connect says Hello as agent i, which is going to send count lines from the number first on.
func (p *plant) connect(ctx context.Context, i int, first, count uint64) (*client, error) {
	conn, err := rpc.Dial(rpc.ClientConfig{Address: p.managerAddress, TokenFile: p.token()}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("connecting stream %d: %w", i, err)
	}
	c := &client{close: conn.Close, first: first, count: count, receipts: make(chan uint64, 1)}
	err = func() error {
		if c.stream, err = armorv1.NewIngestServiceClient(conn).Stream(ctx); err != nil {
			return err
		}
		hello := &armorv1.Hello{
			AgentId: fmt.Sprintf("stream-%04d", i), SpoolId: fmt.Sprintf("%032x", i+1), FirstSequence: 1, LastSequence: count, Version: "bench",
		}
		if err := c.stream.Send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Hello{Hello: hello}}); err != nil {
			return err
		}
		response, err := c.stream.Recv()
		if err != nil {
			return err
		}
		c.window = uint64(response.GetWelcome().GetWindow())
		if c.window == 0 {
			return errors.New("the manager did not say Welcome")
		}
		return nil
	}()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting stream %d: %w", i, err), conn.Close())
	}
	return c, nil
}

// send sends all events, within the window.
func (c *client) send(ctx context.Context) error {
	receipted, now := uint64(0), timestamppb.Now()
	for sent := uint64(0); sent < c.count; {
		n := min(batchEvents, c.count-sent, c.window)
		for sent+n-receipted > c.window {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case receipted = <-c.receipts:
			}
		}
		batch := &armorv1.EventBatch{Events: make([]*armorv1.Event, n)}
		for i := range batch.Events {
			line := appendLine(nil, c.first+sent+uint64(i))
			batch.Events[i] = &armorv1.Event{
				Sequence: sent + uint64(i) + 1, Time: now, ReadTime: now, Location: "/var/log/bench.log",
				Format: armorv1.EventFormat_EVENT_FORMAT_SYSLOG, Body: line[:len(line)-1],
			}
		}
		if err := c.stream.Send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: batch}}); err != nil {
			return err
		}
		sent += n
	}
	return nil
}

// receive takes receipts until the last.
func (c *client) receive() error {
	for {
		response, err := c.stream.Recv()
		if err != nil {
			return err
		}
		receipt := response.GetReceipt()
		if receipt == nil {
			continue
		}
		select { // the newest counts
		case <-c.receipts:
		default:
		}
		c.receipts <- receipt.GetSequence()
		if receipt.GetSequence() >= c.count {
			return nil
		}
	}
}
