package command

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/terminal"
)

// unknown stands for what an agent has not reported.
const unknown = "-"

// lag is how old the oldest event is that is not finished.
func lag(a *armorv1.Agent, now time.Time) string {
	switch oldest := a.GetReport().GetOldestUnfinished(); {
	case a.GetReport() == nil:
		return unknown
	case oldest == nil:
		return "0 s"
	default:
		return max(0, now.Sub(oldest.AsTime())).Round(time.Second).String()
	}
}

// spoolUse is how full the spool is.
func spoolUse(a *armorv1.Agent) string {
	r := a.GetReport()
	if r.GetSpoolMaxBytes() == 0 {
		return unknown
	}
	return fmt.Sprintf("%.0f %%", 100*float64(r.GetSpoolBytes())/float64(r.GetSpoolMaxBytes()))
}

// lost is how many events are gone: damaged on disk, or not taken.
func lost(r *armorv1.AgentReport) uint64 {
	n := r.GetLostEvents()
	for _, dropped := range r.GetDroppedEvents() {
		n += dropped
	}
	return n
}

func lostText(a *armorv1.Agent) string {
	if a.GetReport() == nil {
		return unknown
	}
	return strconv.FormatUint(lost(a.GetReport()), 10)
}

// problems are what keeps inputs from being read.
func problems(a *armorv1.Agent) []string {
	var out []string
	for _, in := range a.GetReport().GetInputs() {
		if in.GetProblem() != "" {
			out = append(out, in.GetName()+": "+in.GetProblem())
		}
	}
	return out
}

// printReport shows what an agent last said about itself.
func printReport(p *terminal.Printer, a *armorv1.Agent, now time.Time) {
	r := a.GetReport()
	if r == nil {
		p.Line("%-11s %s", "report", "none yet")
		return
	}
	p.Line("%-11s %s", "report", ago(a.GetReportTime(), now))
	p.Line("%-11s %s", "lag", lag(a, now))
	p.Line("%-11s %s of %d bytes, %d events wait, %d finished ones are kept for a replay", "spool use", spoolUse(a), r.GetSpoolMaxBytes(), r.GetSpooledEvents(), r.GetReplayableEvents())
	p.Line("%-11s %d", "lost", r.GetLostEvents())
	for _, reason := range slices.Sorted(maps.Keys(r.GetDroppedEvents())) {
		p.Line("%-11s %d (%s)", "dropped", r.GetDroppedEvents()[reason], terminal.Clean(reason, 0))
	}
	for _, in := range r.GetInputs() {
		state := "no event since the agent started"
		if in.GetLastEvent() != nil {
			state = "last event " + ago(in.GetLastEvent(), now)
		}
		if n := in.GetEvents(); n > 0 {
			state += fmt.Sprintf(", %d events since the start out of %d files or objects", n, in.GetSources())
		}
		if in.GetPending() > 0 {
			state += fmt.Sprintf(", %d pending", in.GetPending())
		}
		if in.GetLag() != nil {
			state += ", lag " + in.GetLag().AsDuration().Round(time.Second).String()
		}
		if in.GetDamaged() > 0 {
			state += fmt.Sprintf(", %d could not be read whole", in.GetDamaged())
		}
		if in.GetProblem() != "" {
			state += ", problem: " + in.GetProblem()
		}
		p.Line("%-11s %s (%s): %s", "input", terminal.Clean(in.GetName(), 0), terminal.Clean(in.GetType(), 0), terminal.Clean(state, 0))
	}
}
