package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// AlertID is the id of an event's alert: the first 128 bits, in hex, of SHA-256 over its source id; for an input without one
// over agent id, spool id and sequence.
func AlertID(ev *armorv1.Event, agentID, spoolID string) string {
	source := ev.GetSourceId()
	if len(source) == 0 {
		source = make([]byte, 0, len(agentID)+len(spoolID)+22)
		source = append(source, agentID...)
		source = append(source, 0)
		source = append(source, spoolID...)
		source = append(source, 0)
		source = strconv.AppendUint(source, ev.GetSequence(), 10)
	}
	sum := sha256.Sum256(source)
	return hex.EncodeToString(sum[:16])
}

// alert makes the alert of an event. It keeps nothing of the verdict, only the event's body.
func (p *Pipeline) alert(f *force, agent *Agent, spoolID string, ev *armorv1.Event, v *rules.Verdict) *armorv1.Alert {
	now := p.deps.Now()
	r, parts := v.Rule, f.partsOf(v.Rule)
	a := &armorv1.Alert{
		Id:           AlertID(ev, agent.ID, spoolID),
		Time:         ev.GetTime(),
		ReadTime:     ev.GetReadTime(),
		DetectedTime: timestamppb.New(now),
		Rule: &armorv1.AlertRule{
			Id: uint32(r.ID), Level: uint32(r.Level), Description: valid(v.Description), Groups: parts.groups, FiredTimes: v.FiredTimes,
			Frequency: uint32(r.Frequency), Mail: r.Mail, Compliance: parts.compliance, Mitre: parts.mitre, Info: parts.info,
		},
		Agent:       &armorv1.AlertAgent{Id: agent.ID, Name: agent.Name, Ip: agent.IP, Labels: ev.GetLabels()},
		ManagerName: p.deps.ManagerName,
		Decoder:     &armorv1.AlertDecoder{Name: valid(v.Decoder), Parent: valid(v.DecoderParent)},
		Predecoder:  &armorv1.Predecoder{Timestamp: valid(v.Timestamp), Hostname: valid(v.Hostname), ProgramName: valid(v.ProgramName)},
		Location:    ev.GetLocation(),
		Data:        dataOf(v),
		Context:     contextOf(v),
		SpoolId:     spoolID,
		Sequence:    ev.GetSequence(),
	}
	if !a.Time.IsValid() {
		if a.Time = a.ReadTime; !a.Time.IsValid() {
			a.Time = a.DetectedTime
		}
	}
	if !a.ReadTime.IsValid() {
		a.ReadTime = nil
	}
	if !r.NoFullLog {
		a.FullLog = ev.GetBody()
	}
	for _, earlier := range v.PreviousOutput {
		a.PreviousOutput = append(a.PreviousOutput, []byte(earlier))
	}
	return a
}

func dataOf(v *rules.Verdict) []byte {
	data := v.AppendData(make([]byte, 0, 1024))
	if string(data) == "{}" {
		return nil
	}
	return data
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
