package storetest

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

// start is the time that the alerts of the contract are counted from.
var start = time.Date(2026, 7, 10, 10, 0, 0, 0, time.UTC)

// at is a time so many milliseconds after the start.
func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// builder makes an alert.
type builder struct{ a *armorv1.Alert }

func alert(id string, t time.Time) builder {
	return builder{&armorv1.Alert{
		Id: id, Time: timestamppb.New(t), DetectedTime: timestamppb.New(t),
		Rule:  &armorv1.AlertRule{Id: 80301, Level: 2, Description: "Amazon-ec2: Run instance", Groups: []string{"amazon-ec2", "amazon"}},
		Agent: &armorv1.AlertAgent{Id: "001", Name: "web-1"},
	}}
}

func (b builder) rule(id string, level uint32, description string, groups ...string) builder {
	n, _ := strconv.ParseUint(id, 10, 32)
	b.a.Rule = &armorv1.AlertRule{Id: uint32(n), Level: level, Description: description, Groups: groups}
	return b
}

func (b builder) agent(id, name string) builder {
	b.a.Agent = &armorv1.AlertAgent{Id: id, Name: name}
	return b
}

func (b builder) log(s string) builder {
	b.a.FullLog = []byte(s)
	return b
}

func (b builder) data(json string) builder {
	b.a.Data = []byte(json)
	return b
}

func (b builder) with(f func(*armorv1.Alert)) builder {
	f(b.a)
	return b
}

func (b builder) doc() store.Document {
	return store.Document{ID: b.a.GetId(), Time: document.Time(b.a), Alert: b.a, JSON: document.Append(nil, b.a, time.Time{})}
}
