package rules

import "time"

// Event is one line or record to evaluate.
type Event struct {
	// AgentID is the agent that read it; "" or "000": this process.
	AgentID string
	// AgentName is the agent's name; rules see it as hostname for remote events.
	AgentName string
	// Location is where it was read. For remote events rules see "[id] (name) any->location".
	Location string
	// Log is the line or record, without line end. Its bytes must stay unchanged while an Evaluation uses it.
	Log string
	// Time is when it happened; the zero time: now.
	Time time.Time
	// Replay marks a deliberate second evaluation: correlation memory and counters are left alone.
	Replay bool
}

// Local says whether the event was read by this process itself.
func (e *Event) Local() bool { return e.AgentID == "" || e.AgentID == "000" }
