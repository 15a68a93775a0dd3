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

// leastCPU is the unit, in seconds, in which the kernel counts: less than one is shown as nothing.
const leastCPU = 0.01

// perCPU is how many of n were handled in a second of CPU.
func perCPU(n uint64, seconds float64) float64 { return float64(n) / max(seconds, leastCPU) }

// Usage is what every program used during a measurement. Bench is the measuring program itself.
type Usage struct {
	Agent   Use `json:"agent"`
	Manager Use `json:"manager"`
	NATS    Use `json:"nats_server"`
	// S3 is the server that has the bucket, if there is one.
	S3    Use `json:"s3"`
	Bench Use `json:"bench"`
}

// meter reads what the programs used up to a moment.
type meter struct {
	at    time.Time
	usage [5]process.Usage // agent, manager, NATS, this program, S3
}

func (p *plant) meter() (m meter, err error) {
	var errs [5]error
	if p.agent != nil {
		m.usage[0], errs[0] = p.agent.Usage()
	}
	m.usage[1], errs[1] = p.manager.Usage()
	m.usage[2], errs[2] = p.nats.Usage()
	m.usage[3], errs[3] = process.Own()
	if p.s3 != nil {
		m.usage[4], errs[4] = p.s3.Usage()
	}
	m.at = time.Now()
	return m, errors.Join(errs[:]...)
}

func (m meter) since(before meter) (u Usage) {
	for i, into := range []*Use{&u.Agent, &u.Manager, &u.NATS, &u.Bench, &u.S3} {
		*into = Use{CPUSeconds: (m.usage[i].CPU - before.usage[i].CPU).Seconds(), PeakMemory: m.usage[i].PeakMemory}
	}
	return u
}
