package endtoend

import (
	"errors"
	"time"

	"armor/test/process"
)

// Use is what one program used during a measurement.
type Use struct {
	CPUSeconds float64 `json:"cpu_seconds"`
	// PeakMemory of the program since it was started, in bytes.
	PeakMemory int64 `json:"peak_memory_bytes"`
}

// Usage is what every program used during a measurement. Bench is the measuring program itself.
type Usage struct {
	Agent   Use `json:"agent"`
	Manager Use `json:"manager"`
	NATS    Use `json:"nats_server"`
	Bench   Use `json:"bench"`
}

// meter reads what the programs used up to a moment.
type meter struct {
	at    time.Time
	usage [4]process.Usage // agent, manager, NATS, this program
}

func (p *plant) meter() (m meter, err error) {
	var errs [4]error
	if p.agent != nil {
		m.usage[0], errs[0] = p.agent.Usage()
	}
	m.usage[1], errs[1] = p.manager.Usage()
	m.usage[2], errs[2] = p.nats.Usage()
	m.usage[3], errs[3] = process.Own()
	m.at = time.Now()
	return m, errors.Join(errs[:]...)
}

func (m meter) since(before meter) (u Usage) {
	for i, into := range []*Use{&u.Agent, &u.Manager, &u.NATS, &u.Bench} {
		*into = Use{CPUSeconds: (m.usage[i].CPU - before.usage[i].CPU).Seconds(), PeakMemory: m.usage[i].PeakMemory}
	}
	return u
}
