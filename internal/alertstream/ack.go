package alertstream

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// parseAck reads JetStream's answer to a published message. A nil error means stored; duplicate: it was there already.
func parseAck(m *nats.Msg) (duplicate bool, err error) {
	if len(m.Data) == 0 {
		if m.Header.Get("Status") == "503" {
			return false, fmt.Errorf("no stream takes the subject (stream missing, or JetStream not running): %w", nats.ErrNoResponders)
		}
		return false, fmt.Errorf("empty answer, status %q", m.Header.Get("Status"))
	}
	if bytes.HasPrefix(m.Data, []byte(`{"stream":`)) && !bytes.Contains(m.Data, []byte(`"error"`)) {
		return bytes.Contains(m.Data, []byte(`"duplicate":true`)), nil
	}
	var answer struct {
		Stream    string              `json:"stream"`
		Duplicate bool                `json:"duplicate"`
		Error     *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return false, fmt.Errorf("reading an acknowledgement: %w", err)
	}
	switch {
	case answer.Error == nil && answer.Stream != "":
		return answer.Duplicate, nil
	case answer.Error == nil:
		return false, fmt.Errorf("reading an acknowledgement: it names no stream")
	case answer.Error.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum, answer.Error.ErrorCode == codeHeaderTooLarge:
		return false, &PermanentError{answer.Error}
	}
	return false, answer.Error
}
