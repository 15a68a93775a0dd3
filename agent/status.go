package agent

import (
	"fmt"

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
		for _, in := range p.inputs {
			for name, value := range in.Figures() {
				status.Gauges[name] += value
			}
		}
	}
	status.Counters["recovered"] = st.Recovered
	status.Counters["read"] = st.Appended
	status.Counters["receipted"] = st.Receipted
	status.Counters["spooled"] = st.Spooled
	status.Counters["dropped_damaged"] = st.Lost
	status.Gauges["spool_bytes"] = float64(st.Bytes)
	status.Gauges["spool_segments"] = float64(st.Segments)
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
	descFigure    = describe("figure", "Other figures of the spool, the uplink and the inputs, by name.", "name")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("armor", "agent", name), help, labels, nil)
}

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descRecovered, descRead, descReceipted, descDropped, descSpooled, descReady, descFigure} {
		ch <- d
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	st := c.a.Status()
	count := func(d *prometheus.Desc, counter string, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(st.Counters[counter]), labels...)
	}
	count(descRecovered, "recovered")
	count(descRead, "read")
	count(descReceipted, "receipted")
	count(descDropped, "dropped_damaged", "damaged")
	ch <- prometheus.MustNewConstMetric(descSpooled, prometheus.GaugeValue, float64(st.Counters["spooled"]))
	ready := 0.0
	if st.Ready {
		ready = 1
	}
	ch <- prometheus.MustNewConstMetric(descReady, prometheus.GaugeValue, ready)
	for name, value := range st.Gauges {
		ch <- prometheus.MustNewConstMetric(descFigure, prometheus.GaugeValue, value, name)
	}
}
