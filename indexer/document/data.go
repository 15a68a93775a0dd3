package document

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"armor/indexer/field"
	"armor/indexer/jsontext"
)

// data writes the decoded fields. Set aside, they go under field.SetAside instead, which is not indexed; so do bytes
// that are not a JSON object, as a string.
func (o *object) data(data []byte, setAside bool) {
	if len(data) == 0 {
		return
	}
	valid := jsontext.ValidObject(data)
	switch {
	case valid && !setAside:
		o.key("data")
		o.dst = appendOneLine(o.dst, data)
	case valid && jsontext.Tame(data):
		o.key(field.SetAside)
		o.dst = appendOneLine(o.dst, data)
	default:
		o.open(field.SetAside)
		o.key("json")
		o.dst = AppendString(o.dst, data)
		o.close()
	}
}

// appendOneLine appends a valid JSON value; a document never spans lines.
func appendOneLine(dst, data []byte) []byte {
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return append(dst, data...)
	}
	out := bytes.NewBuffer(dst)
	if err := json.Compact(out, data); err != nil { // cannot be: the value is valid
		return append(dst, "{}"...)
	}
	return out.Bytes()
}

// labels writes the labels in order. Names that would be equal after cleaning are told apart by a number.
func (o *object) labels(names []string, labels map[string]string) {
	o.open("labels")
	used := make(map[string]bool, len(names))
	for _, name := range names {
		value := labels[name]
		if value == "" {
			continue
		}
		clean := strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", "\uFFFD"), "\uFFFD")
		if clean == "" {
			clean = "_"
		}
		unique := clean
		for n := 2; used[unique]; n++ {
			unique = clean + "_" + strconv.Itoa(n)
		}
		used[unique] = true
		if o.comma {
			o.dst = append(o.dst, ',')
		}
		o.comma = true
		o.dst = AppendString(o.dst, unique)
		o.dst = append(o.dst, ':')
		o.dst = AppendString(o.dst, value)
	}
	o.close()
}
