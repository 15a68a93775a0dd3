package main

import (
	"bytes"
	"encoding/json"
	"time"
)

// record is one CloudTrail record. Its fields stand in the order in which CloudTrail writes them.
type record struct {
	EventVersion      string      `json:"eventVersion"`
	UserIdentity      object      `json:"userIdentity"`
	EventTime         string      `json:"eventTime"`
	EventSource       string      `json:"eventSource"`
	EventName         string      `json:"eventName"`
	AWSRegion         string      `json:"awsRegion"`
	SourceIPAddress   string      `json:"sourceIPAddress"`
	UserAgent         string      `json:"userAgent"`
	ErrorCode         string      `json:"errorCode,omitempty"`
	ErrorMessage      string      `json:"errorMessage,omitempty"`
	RequestParameters object      `json:"requestParameters"`
	ResponseElements  object      `json:"responseElements"`
	AdditionalData    object      `json:"additionalEventData,omitempty"`
	RequestID         string      `json:"requestID,omitempty"`
	EventID           string      `json:"eventID"`
	ReadOnly          bool        `json:"readOnly"`
	EventType         string      `json:"eventType"`
	ManagementEvent   bool        `json:"managementEvent"`
	RecipientAccount  string      `json:"recipientAccountId"`
	EventCategory     string      `json:"eventCategory"`
	TLSDetails        *tlsDetails `json:"tlsDetails,omitempty"`
	FromConsole       string      `json:"sessionCredentialFromConsole,omitempty"`

	at time.Time
}

// tlsDetails is how the caller reached the service.
type tlsDetails struct {
	Version string `json:"tlsVersion"`
	Cipher  string `json:"cipherSuite"`
	Host    string `json:"clientProvidedHostHeader"`
}

// member is one key of an object and its value.
type member struct {
	key   string
	value any
}

// object is a JSON object that keeps the order of its keys; nil is null.
type object []member

// obj makes an object out of keys and values in turn.
func obj(pairs ...any) object {
	o := make(object, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		o = append(o, member{pairs[i].(string), pairs[i+1]})
	}
	return o
}

// items is the list form of the EC2 API: {"items":[...]}.
func items(values ...any) object { return obj("items", values) }

// MarshalJSON writes the keys in their order, and characters as they are (CloudTrail does not escape &, < and >).
func (o object) MarshalJSON() ([]byte, error) {
	if o == nil {
		return []byte("null"), nil
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, part := range []any{m.key, m.value} {
			if j == 1 {
				b.WriteByte(':')
			}
			text, err := compact(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// compact is v as JSON on one line, without HTML escapes.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
