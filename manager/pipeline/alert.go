package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// idSize is how many bytes of the hash an alert's id holds.
const idSize = 16

// AlertID is the id of an event's alert: the first 128 bits, in hex, of SHA-256 over its source id; for an input without one
// over agent id, spool id and sequence.
func AlertID(ev *armorv1.Event, agentID, spoolID string) string {
	return new(identifier).id(ev, agentID, spoolID)
}

// identifier is memory for making ids.
type identifier struct {
	hash   hash.Hash
	source []byte
	sum    [sha256.Size]byte
	text   [2 * idSize]byte
}

func (m *identifier) id(ev *armorv1.Event, agentID, spoolID string) string {
	if m.hash == nil {
		m.hash = sha256.New()
	}
	source := ev.GetSourceId()
	if len(source) == 0 {
		source = append(m.source[:0], agentID...)
		source = append(source, 0)
		source = append(source, spoolID...)
		source = append(source, 0)
		source = strconv.AppendUint(source, ev.GetSequence(), 10)
		m.source = source
	}
	m.hash.Reset()
	m.hash.Write(source)
	hex.Encode(m.text[:], m.hash.Sum(m.sum[:0])[:idSize])
	return string(m.text[:])
}

// alertMemory is an alert with all its parts, for one alert after the other.
type alertMemory struct {
	alert      armorv1.Alert
	rule       armorv1.AlertRule
	agent      armorv1.AlertAgent
	decoder    armorv1.AlertDecoder
	predecoder armorv1.Predecoder
	context    armorv1.AlertContext
	detected   timestamppb.Timestamp
	identifier identifier
	data       []byte
	logs       []byte // of earlier events
	previous   [][]byte
}

// maxAlertKept is up to how many bytes of fields, and of earlier logs, an alert's memory is used again.
const maxAlertKept = 64 << 10

// reset forgets the alert, but for its room.
func (m *alertMemory) reset() {
	clear(m.previous)
	data, logs, previous := m.data[:0], m.logs[:0], m.previous[:0]
	if cap(data) > maxAlertKept {
		data = nil
	}
	if cap(logs) > maxAlertKept {
		logs = nil
	}
	*m = alertMemory{identifier: m.identifier, data: data, logs: logs, previous: previous}
}

// alert makes the alert of an event, in memory that was reset. It points into the event and the verdict.
func (p *Pipeline) alert(m *alertMemory, f *force, agent *Agent, spoolID string, ev *armorv1.Event, v *rules.Verdict) *armorv1.Alert {
	r := v.Rule
	m.setRule(r, f.partsOf(r), v)
	m.setAgent(agent, ev)
	m.decoder.Name, m.decoder.Parent = valid(v.Decoder), valid(v.DecoderParent)
	m.predecoder.Timestamp, m.predecoder.Hostname, m.predecoder.ProgramName = valid(v.Timestamp), valid(v.Hostname), valid(v.ProgramName)
	setContext(&m.context, v)
	a := &m.alert
	a.Id = m.identifier.id(ev, agent.ID, spoolID)
	a.Rule, a.Agent, a.Decoder, a.Predecoder, a.Context = &m.rule, &m.agent, &m.decoder, &m.predecoder, &m.context
	m.setTimes(ev, p.deps.Now())
	a.ManagerName, a.Location = p.deps.ManagerName, ev.GetLocation()
	a.SpoolId, a.Sequence = spoolID, ev.GetSequence()
	if m.data = v.AppendData(m.data); len(m.data) > len("{}") {
		a.Data = m.data
	}
	if !r.NoFullLog {
		a.FullLog = ev.GetBody()
	}
	m.setPrevious(v.PreviousOutput)
	return a
}

func (m *alertMemory) setRule(r *rules.Rule, parts *ruleParts, v *rules.Verdict) {
	to := &m.rule
	to.Id, to.Level, to.Frequency, to.Mail = uint32(r.ID), uint32(r.Level), uint32(r.Frequency), r.Mail
	to.Description, to.FiredTimes = valid(v.Description), v.FiredTimes
	to.Groups, to.Compliance, to.Mitre, to.Info = parts.groups, parts.compliance, parts.mitre, parts.info
}

func (m *alertMemory) setAgent(agent *Agent, ev *armorv1.Event) {
	m.agent.Id, m.agent.Name, m.agent.Ip, m.agent.Labels = agent.ID, agent.Name, agent.IP, ev.GetLabels()
}

// setTimes fills in when it happened, where that is not known when it was read, or else now.
func (m *alertMemory) setTimes(ev *armorv1.Event, now time.Time) {
	m.detected.Seconds, m.detected.Nanos = now.Unix(), int32(now.Nanosecond())
	a := &m.alert
	a.DetectedTime = &m.detected
	if read := ev.GetReadTime(); read.IsValid() {
		a.ReadTime = read
	}
	switch at := ev.GetTime(); {
	case at.IsValid():
		a.Time = at
	case a.ReadTime != nil:
		a.Time = a.ReadTime
	default:
		a.Time = a.DetectedTime
	}
}

func (m *alertMemory) setPrevious(earlier []string) {
	if len(earlier) == 0 {
		return
	}
	for _, log := range earlier {
		m.logs = append(m.logs, log...)
	}
	rest := m.logs
	for _, log := range earlier {
		m.previous = append(m.previous, rest[:len(log):len(log)])
		rest = rest[len(log):]
	}
	m.alert.PreviousOutput = m.previous
}

// valid makes UTF-8 of a text that may hold bytes of a log.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func validAll(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = valid(s)
	}
	return out
}
