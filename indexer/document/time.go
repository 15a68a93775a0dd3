package document

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// Layouts of times, always UTC and milliseconds.
const (
	// TimeLayout is that of @timestamp and the ECS times.
	TimeLayout = "2006-01-02T15:04:05.000Z"
	// WazuhLayout is that of `timestamp`.
	WazuhLayout = "2006-01-02T15:04:05.000-0700"
)

// Time is the time of an alert's event, cut to milliseconds: where it is missing or not a time, the time of detection,
// then of reading, then 1970. It depends on the alert alone, so the same alert always has the same time.
func Time(a *armorv1.Alert) time.Time {
	return firstTime(a.GetTime(), a.GetDetectedTime(), a.GetReadTime())
}

func firstTime(ts ...*timestamppb.Timestamp) time.Time {
	for _, t := range ts {
		if t != nil && t.IsValid() {
			return t.AsTime().Truncate(time.Millisecond)
		}
	}
	return time.Unix(0, 0).UTC()
}

func (o *object) time(name, layout string, t time.Time) {
	o.key(name)
	o.dst = append(o.dst, '"')
	o.dst = t.UTC().AppendFormat(o.dst, layout)
	o.dst = append(o.dst, '"')
}
