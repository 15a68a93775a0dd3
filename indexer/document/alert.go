package document

import (
	"net/netip"
	"slices"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// ECSVersion is the version of the Elastic Common Schema that the documents' ECS fields follow.
const ECSVersion = "8.11.0"

func appendDocument(dst []byte, a *armorv1.Alert, ingested time.Time, setAside bool) []byte {
	at := happened(a)
	detected := a.GetDetectedTime()
	if !detected.IsValid() {
		detected = at
	}
	dst = append(dst, `{"@timestamp":"`...)
	dst = appendStamp(dst, at)
	dst = append(dst, `Z","timestamp":"`...)
	dst = appendStamp(dst, detected)
	dst = append(dst, `+0000"`...)
	dst = str(dst, `,"id":"`, a.GetId())
	dst = appendRule(dst, a.GetRule())
	dst = appendAgent(dst, a.GetAgent())
	dst = nested(dst, `,"manager":{"name":"`, a.GetManagerName())
	if d := a.GetDecoder(); d.GetName() != "" || d.GetParent() != "" {
		dst = append(dst, `,"decoder":{`...)
		dst = str(dst, `,"name":"`, d.GetName())
		dst = str(dst, `,"parent":"`, d.GetParent())
		dst = append(dst, '}')
	}
	if p := a.GetPredecoder(); p.GetProgramName() != "" || p.GetHostname() != "" || p.GetTimestamp() != "" {
		dst = append(dst, `,"predecoder":{`...)
		dst = str(dst, `,"program_name":"`, p.GetProgramName())
		dst = str(dst, `,"hostname":"`, p.GetHostname())
		dst = str(dst, `,"timestamp":"`, p.GetTimestamp())
		dst = append(dst, '}')
	}
	dst = str(dst, `,"location":"`, a.GetLocation())
	dst = appendLogs(dst, a)
	dst = appendData(dst, a.GetData(), setAside)
	dst = appendEvent(dst, a, ingested)
	dst = appendContext(dst, a.GetContext())
	dst = appendThreat(dst, a.GetRule().GetMitre())
	return append(dst, `,"ecs":{"version":"`+ECSVersion+`"}}`...)
}

func appendLogs(dst []byte, a *armorv1.Alert) []byte {
	if log := a.GetFullLog(); len(log) > 0 {
		dst = text(dst, `,"full_log":"`, log)
	}
	if a.GetFullLogTruncated() {
		dst = append(dst, `,"full_log_truncated":true`...)
	}
	if previous := a.GetPreviousOutput(); len(previous) > 0 {
		dst = append(dst, `,"previous_output":"`...)
		for i, line := range previous {
			if i > 0 {
				dst = append(dst, '\\', 'n')
			}
			dst = appendEscaped(dst, line)
		}
		dst = append(dst, '"')
	}
	return dst
}

func appendAgent(dst []byte, a *armorv1.AlertAgent) []byte {
	if a == nil {
		return dst
	}
	dst = append(dst, `,"agent":{`...)
	dst = str(dst, `,"id":"`, a.GetId())
	dst = str(dst, `,"name":"`, a.GetName())
	dst = str(dst, `,"ip":"`, a.GetIp())
	if values := a.GetLabels(); len(values) > 0 {
		dst = appendLabels(dst, values)
	}
	return append(dst, '}')
}

func appendEvent(dst []byte, a *armorv1.Alert, ingested time.Time) []byte {
	c := a.GetContext()
	dst = append(dst, `,"event":{"kind":"alert"`...)
	dst = str(dst, `,"module":"`, c.GetEventModule())
	dst = str(dst, `,"dataset":"`, c.GetEventDataset())
	dst = str(dst, `,"action":"`, c.GetEventAction())
	dst = str(dst, `,"outcome":"`, c.GetEventOutcome())
	dst = number(dst, `,"severity":`, uint64(a.GetRule().GetLevel()))
	if read := a.GetReadTime(); read.IsValid() {
		dst = append(dst, `,"created":"`...)
		dst = appendStamp(dst, read)
		dst = append(dst, 'Z', '"')
	}
	if !ingested.IsZero() {
		dst = append(dst, `,"ingested":"`...)
		dst = appendECSTime(dst, ingested)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

func appendContext(dst []byte, c *armorv1.AlertContext) []byte {
	dst = appendSource(dst, c.GetSourceIp())
	dst = nested(dst, `,"user":{"name":"`, c.GetUserName())
	if c.GetCloudProvider() != "" || c.GetCloudRegion() != "" || c.GetCloudAccountId() != "" || c.GetCloudInstanceId() != "" {
		dst = append(dst, `,"cloud":{`...)
		dst = str(dst, `,"provider":"`, c.GetCloudProvider())
		dst = str(dst, `,"region":"`, c.GetCloudRegion())
		dst = nested(dst, `,"account":{"id":"`, c.GetCloudAccountId())
		dst = nested(dst, `,"instance":{"id":"`, c.GetCloudInstanceId())
		dst = append(dst, '}')
	}
	return dst
}

// appendSource appends the canonical form of an IP address; an IPv4 address in IPv6 form is IPv4, a zone is cut off. What is no address is
// left out.
func appendSource(dst []byte, ip string) []byte {
	if ip == "" {
		return dst
	}
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return dst
	}
	dst = append(dst, `,"source":{"ip":"`...)
	if a.Is4() {
		dst = append(dst, ip...) // ParseAddr accepts only the canonical form
	} else {
		dst = a.Unmap().WithZone("").AppendTo(dst)
	}
	return append(dst, `"}`...)
}

func appendThreat(dst []byte, mitre []*armorv1.Mitre) []byte {
	if !slices.ContainsFunc(mitre, func(m *armorv1.Mitre) bool { return m.GetId() != "" }) {
		return dst
	}
	dst = appendTechniqueIDs(dst, `,"threat":{"technique":{"id":["`, mitre)
	return append(dst, `}}`...)
}
