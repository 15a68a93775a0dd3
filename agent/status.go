package agent

import (
	"fmt"
	"maps"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Status says whether the agent does its work, and its counters: recovered + read = receipted + spooled + dropped_*.
func (a *Agent) Status() *armorv1.ComponentStatus {
	status := &armorv1.ComponentStatus{Name: "agent", Counters: map[string]uint64{}, Gauges: map[string]float64{}}
	var st spool.Stats
	p := a.parts.Load()
	if p != nil {
		st = p.spool.Stats()
		up := p.uplink.Status()
		status.Gauges["sent"] = float64(up.Sent)
		status.Gauges["sessions"] = float64(up.Sessions)
		status.Gauges["violations"] = float64(up.Violations)
		status.Gauges["replayed"] = float64(up.Replayed)
		for reason, n := range p.dropped() {
			status.Counters["dropped_"+reason] = n
			status.Counters["read"] += n
		}
		for _, in := range p.inputs {
			for name, value := range in.Figures() {
				status.Gauges[name] += value
			}
		}
		if p.trail != nil {
			maps.Copy(status.Gauges, p.trail.Figures())
		}
	}
	status.Counters["recovered"] = st.Recovered
	status.Counters["read"] += st.Appended
	status.Counters["receipted"] = st.Receipted
	status.Counters["spooled"] = st.Spooled
	status.Counters["dropped_damaged"] = st.Lost
	if st.Discarded > 0 {
		status.Counters["dropped_"+droppedAge] = st.Discarded
	}
	status.Gauges["spool_bytes"] = float64(st.Bytes)
	status.Gauges["spool_segments"] = float64(st.Segments)
	status.Gauges["spool_kept"] = float64(st.Kept)
	status.Gauges["spool_kept_bytes"] = float64(st.KeptBytes)
	status.Gauges["lost_ever"] = float64(st.LostEver)
	status.Reason = a.reason(p, st)
	status.Ready = status.Reason == ""
	return status
}

// reason says why the agent does not do its work, the worst thing first.
func (a *Agent) reason(p *parts, st spool.Stats) string {
	if p == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		return fmt.Sprintf("the spool cannot be opened: %v", a.waiting)
	}
	up := p.uplink.Status()
	switch {
	case st.Failure != nil:
		return fmt.Sprintf("the spool cannot write, inputs wait: %v", st.Failure)
	case st.Full && !up.Connected:
		return "the spool is full, inputs wait; no manager: " + up.Reason
	case !up.Connected:
		return "no manager, events are kept: " + up.Reason
	case st.Full:
		return "the spool is full, inputs wait for the manager"
	}
	for _, in := range p.inputs {
		if problem := in.Problem(); problem != "" {
			return problem
		}
	}
	return ""
}

// Idle is true when every input has read all that is present and the manager has finished all of it.
func (a *Agent) Idle() bool {
	p := a.parts.Load()
	if p == nil {
		return false
	}
	before := p.spool.Stats()
	for _, in := range p.inputs {
		if !in.Idle() {
			return false
		}
	}
	after := p.spool.Stats()
	return after.Spooled == 0 && after.Appended == before.Appended
}

// Damaged lists the input files that could not be read whole, each with where and why. They are never marked as done.
func (a *Agent) Damaged() (list []string) {
	if p := a.parts.Load(); p != nil {
		for _, in := range p.inputs {
			list = append(list, in.Damaged()...)
		}
	}
	return list
}

// collector shows the figures of Status as metrics, all of one moment.
type collector struct{ a *Agent }

var (
	descRecovered = describe("recovered_total", "Events without a receipt that the spool held at the start.")
	descRead      = describe("read_total", "Events read and spooled since.")
	descReceipted = describe("receipted_total", "Events that the manager has finished.")
	descDropped   = describe("dropped_total", "Events lost, by reason.", "reason")
	descSpooled   = describe("spooled", "Events that wait for their receipt.")
	descReady     = describe("ready", "1 if the agent does its work.")
)

// figures are the other numbers of Status, by their names there.
var figures = map[string]figure{
	"spool_bytes":                    {"spool_bytes", "Bytes of the spool on disk.", prometheus.GaugeValue},
	"spool_segments":                 {"spool_segments", "Files of the spool.", prometheus.GaugeValue},
	"spool_kept":                     {"spool_kept", "Finished events that can be sent again.", prometheus.GaugeValue},
	"spool_kept_bytes":               {"spool_kept_bytes", "Bytes of files that hold nothing else; new events take their room.", prometheus.GaugeValue},
	"lost_ever":                      {"lost_ever", "Events lost to damage of the disk since the spool was made.", prometheus.GaugeValue},
	"replayed":                       {"replayed_total", "Finished events sent again by order of the manager.", prometheus.CounterValue},
	"sent":                           {"sent_total", "Events sent to a manager, those sent again included.", prometheus.CounterValue},
	"sessions":                       {"sessions_total", "Connections that a manager accepted.", prometheus.CounterValue},
	"violations":                     {"violations_total", "Messages of a manager that break the contract.", prometheus.CounterValue},
	"cloudtrail_records":             {"cloudtrail_records_total", "CloudTrail records that became events.", prometheus.CounterValue},
	"cloudtrail_records_cut":         {"cloudtrail_records_cut_total", "CloudTrail records longer than 1 MiB.", prometheus.CounterValue},
	"cloudtrail_files":               {"cloudtrail_files", "CloudTrail files read whole.", prometheus.GaugeValue},
	"cloudtrail_files_damaged":       {"cloudtrail_files_damaged", "CloudTrail files that cannot be read whole.", prometheus.GaugeValue},
	"cloudtrail_files_ignored":       {"cloudtrail_files_ignored", "Other files in CloudTrail folders.", prometheus.GaugeValue},
	"cloudtrail_records_repeated":    {"cloudtrail_records_repeated_total", "CloudTrail records that were read already, lately, and became no events.", prometheus.CounterValue},
	"cloudtrail_records_discarded":   {"cloudtrail_records_discarded_total", "CloudTrail records that the discard filter left out.", prometheus.CounterValue},
	"cloudtrail_records_known":       {"cloudtrail_records_known", "CloudTrail records that are remembered.", prometheus.GaugeValue},
	"cloudtrail_bytes":               {"cloudtrail_bytes_total", "Bytes of CloudTrail objects as S3 sent them.", prometheus.CounterValue},
	"cloudtrail_objects":             {"cloudtrail_objects_total", "CloudTrail objects read whole.", prometheus.CounterValue},
	"cloudtrail_objects_late":        {"cloudtrail_objects_late_total", "CloudTrail objects that the daily listing found, delivered late under their old day.", prometheus.CounterValue},
	"cloudtrail_objects_ignored":     {"cloudtrail_objects_ignored", "Other objects: those of the last listing, or those that messages told of.", prometheus.GaugeValue},
	"cloudtrail_objects_removed":     {"cloudtrail_objects_removed_total", "CloudTrail objects removed after reading.", prometheus.CounterValue},
	"cloudtrail_objects_to_remove":   {"cloudtrail_objects_to_remove", "CloudTrail objects that are removed when the manager has finished them.", prometheus.GaugeValue},
	"cloudtrail_objects_damaged":     {"cloudtrail_objects_damaged", "CloudTrail objects that cannot be read whole.", prometheus.GaugeValue},
	"cloudtrail_objects_blocked":     {"cloudtrail_objects_blocked", "CloudTrail objects that AWS keeps back at present.", prometheus.GaugeValue},
	"cloudtrail_objects_remembered":  {"cloudtrail_objects_remembered", "CloudTrail objects that are remembered as read.", prometheus.GaugeValue},
	"cloudtrail_listing_requests":    {"cloudtrail_listing_requests_total", "List requests to S3.", prometheus.CounterValue},
	"cloudtrail_messages_in_flight":  {"cloudtrail_messages_in_flight", "SQS messages that are worked on, or wait for the manager.", prometheus.GaugeValue},
	"cloudtrail_messages_received":   {"cloudtrail_messages_received_total", "SQS messages received.", prometheus.CounterValue},
	"cloudtrail_messages_deleted":    {"cloudtrail_messages_deleted_total", "SQS messages deleted, after the manager's receipt.", prometheus.CounterValue},
	"cloudtrail_messages_returned":   {"cloudtrail_messages_returned_total", "SQS messages given back to the queue.", prometheus.CounterValue},
	"cloudtrail_messages_extended":   {"cloudtrail_messages_extended_total", "Times that the visibility time-out of a message was extended.", prometheus.CounterValue},
	"cloudtrail_messages_unreadable": {"cloudtrail_messages_unreadable_total", "SQS messages deleted although they could not be followed: of no known form, or their object is gone.", prometheus.CounterValue},
	"logfile_lines":                  {"logfile_lines_total", "Lines that became events.", prometheus.CounterValue},
	"logfile_lines_cut":              {"logfile_lines_cut_total", "Lines longer than 1 MiB.", prometheus.CounterValue},
	"logfile_lines_untimed":          {"logfile_lines_untimed_total", "Lines without the time that the input's timestamp setting looks for.", prometheus.CounterValue},
	"logfile_files":                  {"logfile_files", "Log files that are followed.", prometheus.GaugeValue},
	"logfile_truncations":            {"logfile_truncations_total", "Log files found truncated or replaced in place.", prometheus.CounterValue},
}

type figure struct {
	name, help string
	kind       prometheus.ValueType
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("armor", "agent", name), help, labels, nil)
}

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descRecovered, descRead, descReceipted, descDropped, descSpooled, descReady} {
		ch <- d
	}
	for _, f := range figures {
		ch <- describe(f.name, f.help)
	}
	c.a.lag.Describe(ch)
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	st := c.a.Status()
	c.a.lag.Collect(ch)
	count := func(d *prometheus.Desc, counter string, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(st.Counters[counter]), labels...)
	}
	count(descRecovered, "recovered")
	count(descRead, "read")
	count(descReceipted, "receipted")
	for name := range st.GetCounters() {
		if reason, ok := strings.CutPrefix(name, "dropped_"); ok {
			count(descDropped, name, reason)
		}
	}
	ch <- prometheus.MustNewConstMetric(descSpooled, prometheus.GaugeValue, float64(st.Counters["spooled"]))
	ready := 0.0
	if st.Ready {
		ready = 1
	}
	ch <- prometheus.MustNewConstMetric(descReady, prometheus.GaugeValue, ready)
	for name, value := range st.Gauges {
		if f, ok := figures[name]; ok {
			ch <- prometheus.MustNewConstMetric(describe(f.name, f.help), f.kind, value)
		}
	}
}
