package document

import (
	"bytes"
	"encoding/json"

	"armor/indexer/field"
	"armor/indexer/jsontext"
)

// appendData appends the decoded fields. Set aside, they go under field.SetAside instead, which is not indexed; so do bytes
// that are not a JSON object, as a string.
func appendData(dst, object []byte, setAside bool) []byte {
	if len(object) == 0 {
		return dst
	}
	valid := jsontext.ValidObject(object)
	switch {
	case valid && !setAside:
		return appendOneLine(append(dst, `,"data":`...), object)
	case valid && jsontext.Tame(object):
		return appendOneLine(append(dst, `,"`+field.SetAside+`":`...), object)
	}
	dst = text(dst, `,"`+field.SetAside+`":{"json":"`, object)
	return append(dst, '}')
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
