package document

import (
	"bytes"
	"encoding/json"

	"armor/indexer/field"
	"armor/indexer/jsontext"
)

// appendData appends the decoded fields. Set aside, they go under field.SetAside instead, which is not indexed; so do bytes
// that are not a JSON object, as a string.
func appendData(dst, data []byte, setAside bool) []byte {
	if len(data) == 0 {
		return dst
	}
	lines, ok := jsontext.Object(data)
	switch {
	case !ok || setAside && !jsontext.Tame(data):
		dst = text(dst, `,"`+field.SetAside+`":{"json":"`, data)
		return append(dst, '}')
	case setAside:
		dst = append(dst, `,"`+field.SetAside+`":`...)
	default:
		dst = append(dst, `,"data":`...)
	}
	if !lines {
		return append(dst, data...)
	}
	return appendOneLine(dst, data)
}

// appendOneLine appends a valid JSON value that spans lines; a document never does.
func appendOneLine(dst, data []byte) []byte {
	out := bytes.NewBuffer(dst)
	if err := json.Compact(out, data); err != nil { // cannot be: the value is valid
		return append(dst, "{}"...)
	}
	return out.Bytes()
}
