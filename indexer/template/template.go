// Package template makes the composable index template of the alert indices out of the list of fields: what a query or a
// panel may ask is mapped for it, and no alert fails because of how many fields there are.
package template

import (
	"encoding/json"
	"strings"

	"armor/indexer/field"
	"armor/indexer/store"
)

const (
	// Name of the template.
	Name = "armor-alerts"
	// Alias of all alert indices.
	Alias = "armor-alerts"
	// IndexPrefix begins the name of every alert index; the period's name follows.
	IndexPrefix = "armor-alerts-"
	// Pattern of the names of the alert indices.
	Pattern = IndexPrefix + "*"
	// Version of the template's form: a higher one replaces a lower one in the cluster.
	Version = 3
	// Priority lets the template win over general ones.
	Priority = 500
)

// Settings are what may differ from cluster to cluster.
type Settings struct {
	// Period of one index; it is recorded in the template.
	Period store.Period
	// Shards of an index; 0: the cluster's default.
	Shards int
	// Replicas of an index; nil: the cluster's default.
	Replicas *int
	// StrictFieldLimit leaves out index.mapping.total_fields.ignore_dynamic_beyond_limit, which early 8.x does not know: a
	// 1,001st field then fails its alert.
	StrictFieldLimit bool
}

// IgnoreBeyondLimit is the setting that StrictFieldLimit leaves out.
const IgnoreBeyondLimit = "ignore_dynamic_beyond_limit"

type object = map[string]any

// JSON is the body of PUT _index_template/armor-alerts.
func JSON(s Settings) []byte {
	limit := object{"limit": 1000}
	if !s.StrictFieldLimit {
		limit[IgnoreBeyondLimit] = true
	}
	index := object{
		"mapping": object{"total_fields": limit},
		"query":   object{"default_field": []string{field.FullLog, field.DescriptionText}},
		// An answered write is on disk. What is to be written anew after a crash stays small: 64 MiB take some ten seconds.
		"translog": object{"durability": "request", "flush_threshold_size": "64mb"},
	}
	if s.Shards > 0 {
		index["number_of_shards"] = s.Shards
	}
	if s.Replicas != nil {
		index["number_of_replicas"] = *s.Replicas
	}
	body, err := json.Marshal(object{
		"index_patterns": []string{Pattern},
		"priority":       Priority,
		"version":        Version,
		"_meta":          object{"description": "Alerts of Armor", "armor": object{"index_period": s.Period}},
		"template": object{
			"settings": object{"index": index},
			"aliases":  object{Alias: object{}},
			"mappings": Mappings(),
		},
	})
	if err != nil {
		panic(err) // maps of strings and numbers always encode
	}
	return body
}

// Mappings are the fields of an alert index.
func Mappings() map[string]any {
	properties := object{field.SetAside: object{"type": "object", "enabled": false}}
	for _, root := range field.FlattenedRoots() {
		put(properties, root, object{"type": "flattened", "ignore_above": field.DataLimit})
	}
	for _, f := range field.Named() {
		if f.Name == f.Path {
			put(properties, f.Name, mapping(f))
		}
	}
	for _, f := range field.Named() {
		if f.Name != f.Path { // a second view of a field
			parent := lookup(properties, f.Path)
			parent["fields"] = object{strings.TrimPrefix(f.Name, f.Path+"."): mapping(f)}
		}
	}
	// Whatever type a member of the data has in JSON, it is a keyword: one name has numbers in one record and strings in another.
	var dynamic []object
	for _, kind := range []string{"string", "long", "double", "boolean"} {
		dynamic = append(dynamic, object{kind + "_as_keyword": object{
			"match_mapping_type": kind,
			"mapping":            object{"type": "keyword", "ignore_above": field.DataLimit},
		}})
	}
	return object{
		"dynamic":           true,
		"date_detection":    false,
		"numeric_detection": false,
		"dynamic_templates": dynamic,
		"properties":        properties,
	}
}

func mapping(f field.Field) object {
	switch f.Kind {
	case field.Number:
		return object{"type": "long"}
	case field.Boolean:
		return object{"type": "boolean"}
	case field.Time:
		return object{"type": "date", "format": "strict_date_optional_time"}
	case field.Address:
		return object{"type": "ip"}
	case field.Text:
		return object{"type": "text"}
	}
	return object{"type": "keyword", "ignore_above": f.Limit}
}

// put sets the mapping of a dotted name.
func put(properties object, name string, mapping object) {
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		properties[first] = mapping
		return
	}
	parent, ok := properties[first].(object)
	if !ok {
		parent = object{"properties": object{}}
		properties[first] = parent
	}
	put(parent["properties"].(object), rest, mapping)
}

// lookup finds the mapping of a dotted name.
func lookup(properties object, name string) object {
	first, rest, nested := strings.Cut(name, ".")
	found := properties[first].(object)
	if !nested {
		return found
	}
	return lookup(found["properties"].(object), rest)
}

// Type is the type that the mappings give a field from the start: keyword, long, boolean, date, ip, text, flattened (also for a
// member of a flattened object), or object. Empty: the field is mapped only when a document has it, or never.
func Type(name string) string {
	if name == "" {
		return ""
	}
	m := Mappings()
	for rest := name; ; {
		if kind, ok := m["type"].(string); ok && (rest == "" || kind == "flattened") {
			return kind
		}
		if rest == "" {
			return "object"
		}
		if views, ok := m["fields"].(object); ok {
			view, _ := views[rest].(object)
			kind, _ := view["type"].(string)
			return kind
		}
		properties, _ := m["properties"].(object)
		first, after, _ := strings.Cut(rest, ".")
		next, ok := properties[first].(object)
		if !ok {
			return ""
		}
		m, rest = next, after
	}
}
