package document

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// ECSVersion is the version of the Elastic Common Schema that the documents' ECS fields follow.
const ECSVersion = "8.11.0"

func appendDocument(dst []byte, a *armorv1.Alert, ingested time.Time, setAside bool) []byte {
	o := object{dst: dst}
	at := Time(a)
	o.open("")
	o.time("@timestamp", TimeLayout, at)
	o.time("timestamp", WazuhLayout, firstTime(a.GetDetectedTime(), timestamppb.New(at)))
	o.str("id", a.GetId())
	o.rule(a.GetRule())
	o.agent(a.GetAgent())
	if name := a.GetManagerName(); name != "" {
		o.open("manager")
		o.str("name", name)
		o.close()
	}
	if d := a.GetDecoder(); d.GetName() != "" || d.GetParent() != "" {
		o.open("decoder")
		o.str("name", d.GetName())
		o.str("parent", d.GetParent())
		o.close()
	}
	if p := a.GetPredecoder(); p.GetProgramName() != "" || p.GetHostname() != "" || p.GetTimestamp() != "" {
		o.open("predecoder")
		o.str("program_name", p.GetProgramName())
		o.str("hostname", p.GetHostname())
		o.str("timestamp", p.GetTimestamp())
		o.close()
	}
	o.str("location", a.GetLocation())
	o.logs(a)
	o.data(a.GetData(), setAside)
	o.event(a, ingested)
	o.context(a)
	o.open("ecs")
	o.str("version", ECSVersion)
	o.close()
	o.close()
	return o.dst
}

func (o *object) logs(a *armorv1.Alert) {
	if log := a.GetFullLog(); len(log) > 0 {
		o.key("full_log")
		o.dst = AppendString(o.dst, log)
	}
	if a.GetFullLogTruncated() {
		o.boolean("full_log_truncated", true)
	}
	if previous := a.GetPreviousOutput(); len(previous) > 0 {
		o.key("previous_output")
		o.dst = append(o.dst, '"')
		for i, line := range previous {
			if i > 0 {
				o.dst = append(o.dst, '\\', 'n')
			}
			o.dst = appendEscaped(o.dst, line)
		}
		o.dst = append(o.dst, '"')
	}
}

func (o *object) agent(a *armorv1.AlertAgent) {
	if a == nil {
		return
	}
	o.open("agent")
	o.str("id", a.GetId())
	o.str("name", a.GetName())
	o.str("ip", a.GetIp())
	if labels := a.GetLabels(); len(labels) > 0 {
		names := make([]string, 0, len(labels))
		for name := range labels {
			names = append(names, name)
		}
		slices.Sort(names)
		o.labels(names, labels)
	}
	o.close()
}

func (o *object) event(a *armorv1.Alert, ingested time.Time) {
	c := a.GetContext()
	o.open("event")
	o.str("kind", "alert")
	o.str("module", c.GetEventModule())
	o.str("dataset", c.GetEventDataset())
	o.str("action", c.GetEventAction())
	o.str("outcome", c.GetEventOutcome())
	o.number("severity", uint64(a.GetRule().GetLevel()))
	if t := a.GetReadTime(); t != nil && t.IsValid() {
		o.time("created", TimeLayout, t.AsTime().Truncate(time.Millisecond))
	}
	if !ingested.IsZero() {
		o.time("ingested", TimeLayout, ingested.Truncate(time.Millisecond))
	}
	o.close()
}

func (o *object) context(a *armorv1.Alert) {
	c := a.GetContext()
	if ip, ok := address(c.GetSourceIp()); ok {
		o.open("source")
		o.str("ip", ip)
		o.close()
	}
	if user := c.GetUserName(); user != "" {
		o.open("user")
		o.str("name", user)
		o.close()
	}
	if c.GetCloudProvider() != "" || c.GetCloudRegion() != "" || c.GetCloudAccountId() != "" || c.GetCloudInstanceId() != "" {
		o.open("cloud")
		o.str("provider", c.GetCloudProvider())
		o.str("region", c.GetCloudRegion())
		o.nested("account", "id", c.GetCloudAccountId())
		o.nested("instance", "id", c.GetCloudInstanceId())
		o.close()
	}
	if mitre := a.GetRule().GetMitre(); slices.ContainsFunc(mitre, func(m *armorv1.Mitre) bool { return m.GetId() != "" }) {
		o.open("threat")
		o.open("technique")
		o.strs("id", collect(mitre, func(m *armorv1.Mitre) []string { return []string{m.GetId()} }))
		o.close()
		o.close()
	}
}

// nested writes {"name":value} under an outer name, unless the value is empty.
func (o *object) nested(outer, name, value string) {
	if value == "" {
		return
	}
	o.open(outer)
	o.str(name, value)
	o.close()
}
