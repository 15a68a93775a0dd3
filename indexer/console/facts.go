package console

import (
	"encoding/json"
	"strings"

	"armor/indexer/field"
)

// fact is one thing that an alert's row says of what happened. The page filters by its field and value.
type fact struct {
	Label string `json:"label,omitempty"` // word in front: by, from, in, error
	Text  string `json:"text"`
	Field string `json:"field,omitempty"` // empty: not to filter by
	Value string `json:"value,omitempty"` // empty: the text
}

// loose reads a value whose shape nobody vouches for: what does not fit T is as if it were not there.
type loose[T any] struct{ value T }

func (l *loose[T]) UnmarshalJSON(data []byte) error {
	var value T
	if json.Unmarshal(data, &value) == nil {
		l.value = value
	}
	return nil
}

// scalar is a string, or the text of a number or of a truth value.
type scalar string

func (s *scalar) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case json.Unmarshal(data, &text) == nil:
		*s = scalar(text)
	case len(data) > 0 && data[0] != '{' && data[0] != '[' && string(data) != "null":
		*s = scalar(data)
	}
	return nil
}

// callDocument is what a document says of an AWS API call.
type callDocument struct {
	User struct {
		Name string `json:"name"`
	} `json:"user"`
	Cloud struct {
		Provider string `json:"provider"`
		Region   string `json:"region"`
		Account  struct {
			ID string `json:"id"`
		} `json:"account"`
	} `json:"cloud"`
	Data loose[struct {
		AWS loose[awsCall] `json:"aws"`
	}] `json:"data"`
}

type awsCall struct {
	EventName    scalar              `json:"eventName"`
	EventSource  scalar              `json:"eventSource"`
	Region       scalar              `json:"awsRegion"`
	Source       scalar              `json:"sourceIPAddress"`
	ErrorCode    scalar              `json:"errorCode"`
	Account      scalar              `json:"recipientAccountId"`
	UserIdentity loose[userIdentity] `json:"userIdentity"`
}

type userIdentity struct {
	Type        scalar `json:"type"`
	UserName    scalar `json:"userName"`
	ARN         scalar `json:"arn"`
	InvokedBy   scalar `json:"invokedBy"`
	PrincipalID scalar `json:"principalId"`
}

// facts says of an alert about an AWS API call which call it was, who made it, from where, in which account and region, and whether it failed; nil for
// every other alert, whose log line says more.
func facts(document []byte) []fact {
	var doc callDocument
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil
	}
	call := doc.Data.value.AWS.value
	if call.EventName == "" {
		return nil
	}
	var out []fact
	say := func(label, name string, value scalar) bool {
		if value == "" {
			return false
		}
		out = append(out, newFact(label, name, string(value)))
		return true
	}
	const aws = "data.aws."
	say("", aws+"eventName", call.EventName)
	if service := strings.TrimSuffix(string(call.EventSource), ".amazonaws.com"); service != "" {
		one := newFact("on", aws+"eventSource", string(call.EventSource))
		one.Value, one.Text = one.Text, service
		out = append(out, one)
	}
	who := call.UserIdentity.value
	_ = say("by", "user.name", scalar(doc.User.Name)) || say("by", aws+"userIdentity.userName", who.UserName) || say("by", aws+"userIdentity.invokedBy", who.InvokedBy) ||
		say("by", aws+"userIdentity.arn", who.ARN) || say("by", aws+"userIdentity.principalId", who.PrincipalID) || say("by", aws+"userIdentity.type", who.Type)
	if who.Type == "AssumedRole" {
		if at := strings.LastIndexByte(string(who.ARN), '/'); at > 0 && at < len(who.ARN)-1 {
			session := newFact("session", aws+"userIdentity.arn", string(who.ARN))
			session.Value, session.Text = session.Text, string(who.ARN[at+1:])
			out = append(out, session)
		}
	}
	say("from", aws+"sourceIPAddress", call.Source)
	_ = say("account", "cloud.account.id", scalar(doc.Cloud.Account.ID)) || say("account", aws+"recipientAccountId", call.Account)
	_ = say("in", "cloud.region", scalar(doc.Cloud.Region)) || say("in", aws+"awsRegion", call.Region)
	say("error", aws+"errorCode", call.ErrorCode)
	return out
}

// newFact makes a fact; a text too long to be indexed is cut and cannot be filtered by.
func newFact(label, name, text string) fact {
	if len(text) > field.DataLimit {
		return fact{Label: label, Text: cut(text, logPreview)}
	}
	return fact{Label: label, Text: text, Field: name}
}
