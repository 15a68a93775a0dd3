package alertstream

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	armorv1 "armor/proto/armor/v1"
)

// Message is an alert taken out of the stream. It must be ended with Ack, Nak or Term; else it is given again.
type Message struct {
	// Alert, unless Err is set.
	Alert *armorv1.Alert
	// Data is what the message carries: the encoded alert.
	Data []byte
	// Err says why Data is no alert; it is a PermanentError.
	Err error
	// Deliveries counts how often the message was given out, this time included.
	Deliveries uint64
	// Sequence is its number in the stream.
	Sequence uint64
	// Stored is when the stream took it.
	Stored time.Time

	nc    *nats.Conn
	reply string
}

func newMessage(nc *nats.Conn, m *nats.Msg) *Message {
	out := &Message{Data: m.Data, nc: nc, reply: m.Reply, Deliveries: 1}
	out.Alert, out.Err = Decode(m.Data)
	// $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>, or with <domain>.<account> before
	// <stream>.
	tokens := strings.Split(m.Reply, ".")
	if len(tokens) >= 11 {
		tokens = tokens[2:]
	}
	if len(tokens) >= 9 {
		out.Deliveries, _ = strconv.ParseUint(tokens[4], 10, 64)
		out.Sequence, _ = strconv.ParseUint(tokens[5], 10, 64)
		ns, _ := strconv.ParseInt(tokens[7], 10, 64)
		out.Stored = time.Unix(0, ns)
	}
	return out
}

// Ack says that the alert is finished. A lost acknowledgement means that the alert is given again.
func (m *Message) Ack(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.say("+ACK")
}

// Nak gives the alert back, to be given again after delay.
func (m *Message) Nak(delay time.Duration) error {
	if delay <= 0 {
		return m.say("-NAK")
	}
	return m.say(fmt.Sprintf(`-NAK {"delay": %d}`, delay.Nanoseconds()))
}

// InProgress asks for more time: the wait for the acknowledgement starts anew.
func (m *Message) InProgress() error { return m.say("+WPI") }

// Term says that the alert must not be given again; reason is noted by the server.
func (m *Message) Term(reason string) error {
	return m.say("+TERM " + strings.ToValidUTF8(strings.NewReplacer("\r", " ", "\n", " ").Replace(reason), "?"))
}

func (m *Message) say(what string) error {
	if m.nc == nil {
		return nil
	}
	if err := m.nc.Publish(m.reply, []byte(what)); err != nil {
		return fmt.Errorf("answering for alert %d of the stream: %w", m.Sequence, err)
	}
	return nil
}
