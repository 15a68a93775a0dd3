package gate

import (
	"encoding/json"
	"fmt"
	"time"

	"armor/agent/notice"
	armorv1 "armor/proto/armor/v1"
)

// Loss is a range of dropped events of one input.
type Loss struct {
	Events uint64 `json:"events"`
	First  Place  `json:"first"`
	Last   Place  `json:"last"`
}

// Place is one of them: when it was read, where, and what it is.
type Place struct {
	Time     time.Time `json:"time"`
	Location string    `json:"location"`
	SourceID []byte    `json:"source_id,omitempty"`
}

func placeOf(ev *armorv1.Event) Place {
	return Place{ev.GetReadTime().AsTime(), ev.GetLocation(), append([]byte{}, ev.GetSourceId()...)}
}

func (l *Loss) encode() []byte {
	data, err := json.Marshal(l)
	if err != nil {
		return []byte("{}") // strings and numbers can be encoded
	}
	return data
}

func decodeLoss(data []byte) (l Loss, ok bool) {
	if len(data) == 0 || json.Unmarshal(data, &l) != nil {
		return Loss{}, false
	}
	return l, l.Events > 0
}

func (l *Loss) notice(reason string, in *Config, now time.Time) *notice.Notice {
	why := map[string]string{Full: "the spool is full", Disk: "the disk does not take them"}[reason]
	return &notice.Notice{
		Kind: notice.EventsDropped, At: now,
		Message: fmt.Sprintf("%d events of input %s were dropped: %s", l.Events, in.Name, why),
		Range:   fmt.Sprintf("%s\x00%s\x00%s\x00%x\x00%s\x00%x\x00%d", in.Name, reason, notice.Time(l.First.Time), l.First.SourceID, notice.Time(l.Last.Time), l.Last.SourceID, l.Events),
		Fields: map[string]any{
			"input": in.Fields(), "reason": reason, "events": l.Events,
			"first": map[string]string{"time": notice.Time(l.First.Time), "location": l.First.Location},
			"last":  map[string]string{"time": notice.Time(l.Last.Time), "location": l.Last.Location},
		},
	}
}

// Fields name the input in a notice.
func (c *Config) Fields() map[string]string {
	return map[string]string{"name": c.Name, "type": c.Type, "path": c.Path}
}
