package agent

import (
	"maps"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// reportOf says for the manager how the agent is.
func (a *Agent) reportOf(p *parts) *armorv1.AgentReport {
	st := p.spool.Stats()
	report := &armorv1.AgentReport{
		SpooledEvents: st.Spooled, SpoolBytes: uint64(max(st.Bytes, 0)), SpoolMaxBytes: uint64(max(st.MaxBytes, 0)),
		ReplayableEvents: st.Kept, LostEvents: st.LostEver, DroppedEvents: p.dropped(),
	}
	if st.Discarded > 0 {
		report.DroppedEvents[droppedAge] = st.Discarded
	}
	if oldest, ok := p.spool.Oldest(); ok {
		report.OldestUnfinished = timestamppb.New(oldest)
	}
	for i, in := range p.inputs {
		cfg := p.gates[i].Config()
		input := &armorv1.InputReport{Name: cfg.Name, Type: cfg.Type, Problem: in.Problem(), Damaged: uint64(len(in.Damaged()))}
		in.Report(input)
		if last, _ := p.gates[i].Last(); !last.IsZero() {
			input.LastEvent = timestamppb.New(last)
		}
		report.Inputs = append(report.Inputs, input)
	}
	return report
}

// droppedAge is the reason of events that waited too long.
const droppedAge = "age"

// dropped are the events that never came into the spool, by reason.
func (p *parts) dropped() map[string]uint64 {
	all := map[string]uint64{}
	for _, g := range p.gates {
		for reason, n := range maps.All(g.Dropped()) {
			all[reason] += n
		}
	}
	return all
}
