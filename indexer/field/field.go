// Package field is the one list of the fields of an alert document: what kind each is decides how it is mapped in
// Elasticsearch, how a query on it reads, and whether alerts can be counted by it, the same in every store.
package field

import (
	"sort"
	"strings"
)

// Kind says how the values of a field are compared.
type Kind uint8

const (
	// Keyword is a string compared whole and by its bytes. Values longer than the field's limit are not indexed.
	Keyword Kind = iota
	// Number is a whole number.
	Number
	// Boolean is true or false.
	Boolean
	// Time is a moment in milliseconds.
	Time
	// Address is an IPv4 or IPv6 address.
	Address
	// Text is a log text, searched by its words; alerts cannot be counted by it.
	Text
	// Flattened is one value below an object whose members are all kept as keywords.
	Flattened
	// Object has fields below it and no value of its own: it can only be asked for existence.
	Object
)

// String names the kind in words, for messages.
func (k Kind) String() string {
	return [...]string{"keyword", "number", "boolean", "time", "address", "text", "flattened value", "object"}[k]
}

// Limits of indexed strings, in characters.
const (
	// NamedLimit bounds keywords that Armor itself names, such as rule.description.
	NamedLimit = 8191
	// DataLimit bounds keywords under data, agent.labels and other open objects.
	DataLimit = 1024
)

// Field is one field of the document.
type Field struct {
	// Name in queries and in the index.
	Name string
	// Path in the document; differs from Name only for a second view of a field (rule.description.text).
	Path string
	// Kind of its values.
	Kind Kind
	// Limit is the length in characters up to which a keyword is indexed; 0 for other kinds.
	Limit int
}

// Countable tells whether alerts can be counted by the field.
func (f Field) Countable() bool { return f.Kind != Text && f.Kind != Object }

// Names of the fields that code of the indexer refers to.
const (
	Timestamp   = "@timestamp"
	ID          = "id"
	FullLog     = "full_log"
	Description = "rule.description"
	// DescriptionText is rule.description by its words.
	DescriptionText = "rule.description.text"
	Groups          = "rule.groups"
	Level           = "rule.level"
	RuleID          = "rule.id"
	AgentID         = "agent.id"
	AgentName       = "agent.name"
	Location        = "location"
	CloudProvider   = "cloud.provider"
	CloudAccount    = "cloud.account.id"
	CloudRegion     = "cloud.region"
	UserName        = "user.name"
	SourceIP        = "source.ip"
	EventAction     = "event.action"
	MitreID         = "rule.mitre.id"
	MitreTactic     = "rule.mitre.tactic"
	ProgramName     = "predecoder.program_name"
	DecoderName     = "decoder.name"
	AWSErrorCode    = "data.aws.errorCode"
	AWSEventSource  = "data.aws.eventSource"
	// SetAside is the object, not indexed, that holds `data` which the store could not map.
	SetAside = "unmapped_data"
)

// named are the fields with a fixed kind. Everything else is found by the rules of Of.
var named = map[string]Kind{
	Timestamp: Time, "timestamp": Time, "event.created": Time, "event.ingested": Time,
	ID: Keyword, Location: Keyword, FullLog: Text, "full_log_truncated": Boolean, "previous_output": Text,

	RuleID: Keyword, Level: Number, Description: Keyword, DescriptionText: Text, Groups: Keyword, "rule.info": Keyword,
	"rule.firedtimes": Number, "rule.frequency": Number, "rule.mail": Boolean,
	"rule.pci_dss": Keyword, "rule.gdpr": Keyword, "rule.hipaa": Keyword, "rule.nist_800_53": Keyword, "rule.tsc": Keyword,
	"rule.gpg13": Keyword, "rule.cis": Keyword,
	MitreID: Keyword, MitreTactic: Keyword, "rule.mitre.technique": Keyword,

	AgentID: Keyword, AgentName: Keyword, "agent.ip": Keyword, "manager.name": Keyword,
	DecoderName: Keyword, "decoder.parent": Keyword,
	ProgramName: Keyword, "predecoder.hostname": Keyword, "predecoder.timestamp": Keyword,

	"event.kind": Keyword, "event.module": Keyword, "event.dataset": Keyword, EventAction: Keyword,
	"event.outcome": Keyword, "event.severity": Number,
	SourceIP: Address, UserName: Keyword,
	CloudProvider: Keyword, CloudRegion: Keyword, CloudAccount: Keyword, "cloud.instance.id": Keyword,
	"threat.technique.id": Keyword, "ecs.version": Keyword,

	// Fields of the data that panels show: mapped from the start, because Kibana knows a field only when an index has it.
	AWSErrorCode: Keyword, AWSEventSource: Keyword,
}

// flattened are objects whose members are kept as keywords under any name, because their shapes vary too much to map.
var flattened = []string{
	"agent.labels",
	"data.aws.requestParameters", "data.aws.responseElements", "data.aws.additionalEventData", "data.aws.serviceEventDetails",
}

// Of says what a field is, by its name: a named one, a member of a flattened object, an object, or else a keyword.
func Of(name string) Field {
	if k, ok := named[name]; ok {
		f := Field{Name: name, Path: name, Kind: k}
		switch {
		case k == Keyword && strings.HasPrefix(name, "data."):
			f.Limit = DataLimit
		case k == Keyword:
			f.Limit = NamedLimit
		}
		if name == DescriptionText {
			f.Path = Description
		}
		return f
	}
	for _, root := range flattened {
		if name == root {
			return Field{Name: name, Path: name, Kind: Object}
		}
		if strings.HasPrefix(name, root) && name[len(root)] == '.' {
			return Field{Name: name, Path: name, Kind: Flattened, Limit: DataLimit}
		}
	}
	if objects[name] {
		return Field{Name: name, Path: name, Kind: Object}
	}
	return Field{Name: name, Path: name, Kind: Keyword, Limit: DataLimit}
}

// objects are the parents of named and flattened fields.
var objects = parents()

func parents() map[string]bool {
	m := map[string]bool{SetAside: true}
	add := func(name string) {
		for i := strings.LastIndexByte(name, '.'); i > 0; i = strings.LastIndexByte(name[:i], '.') {
			if _, is := named[name[:i]]; !is {
				m[name[:i]] = true
			}
		}
	}
	for name := range named {
		add(name)
	}
	for _, name := range flattened {
		add(name)
	}
	return m
}

// Named lists the fields with a fixed kind, by name.
func Named() []Field {
	fs := make([]Field, 0, len(named))
	for name := range named {
		fs = append(fs, Of(name))
	}
	sort.Slice(fs, func(i, j int) bool { return fs[i].Name < fs[j].Name })
	return fs
}

// FlattenedRoots lists the objects whose members are kept as keywords.
func FlattenedRoots() []string { return append([]string(nil), flattened...) }
