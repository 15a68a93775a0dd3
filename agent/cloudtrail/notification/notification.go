// Package notification reads what SQS delivers when CloudTrail has put a file into a bucket: S3's own notification, one that SNS has
// wrapped, CloudTrail's notice through SNS, or an EventBridge event; it tells them apart by what they hold.
package notification

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Object was put into a bucket.
type Object struct {
	// Bucket and Key of it.
	Bucket, Key string
	// ETag of it, without quotes; empty where the form has none.
	ETag string
	// Size in bytes; 0 where the form has none.
	Size int64
}

// errForm says what was expected.
var errForm = errors.New(`expected an S3 notification ("Records"), one wrapped by SNS ("Message"), or an EventBridge event ("detail")`)

// maxDepth bounds SNS in SNS.
const maxDepth = 4

type envelope struct {
	// S3.
	Records []struct {
		EventSource string `json:"eventSource"`
		EventName   string `json:"eventName"`
		S3          struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key  string  `json:"key"`
				Size float64 `json:"size"`
				ETag string  `json:"eTag"`
			} `json:"object"`
		} `json:"s3"`
	} `json:"Records"`
	Event string `json:"Event"` // s3:TestEvent
	// SNS.
	Message *string `json:"Message"`
	// CloudTrail's own notice, through SNS.
	S3Bucket     string   `json:"s3Bucket"`
	S3ObjectKeys []string `json:"s3ObjectKey"`
	// EventBridge.
	Source     string `json:"source"`
	DetailType string `json:"detail-type"`
	Detail     *struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key  string  `json:"key"`
			Size float64 `json:"size"`
			ETag string  `json:"etag"`
		} `json:"object"`
	} `json:"detail"`
}

// Parse returns the objects that a message says were put. A message about something else, such as S3's test message or a removed
// object, has none. An error is permanent: the message can never be read.
func Parse(body []byte) ([]Object, error) { return parse(body, 0) }

func parse(body []byte, depth int) ([]Object, error) {
	var e envelope
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&e); err != nil {
		return nil, fmt.Errorf("a notification that is not JSON of a known form: %w", err)
	}
	switch {
	case e.Records != nil:
		return e.put()
	case e.S3Bucket != "" && e.S3ObjectKeys != nil:
		list := make([]Object, 0, len(e.S3ObjectKeys))
		for _, key := range e.S3ObjectKeys {
			list = append(list, Object{Bucket: e.S3Bucket, Key: key})
		}
		return list, nil
	case e.Detail != nil:
		if e.DetailType != "Object Created" {
			return nil, nil
		}
		o := Object{Bucket: e.Detail.Bucket.Name, Key: e.Detail.Object.Key, ETag: unquote(e.Detail.Object.ETag), Size: int64(e.Detail.Object.Size)}
		if o.Bucket == "" || o.Key == "" {
			return nil, errors.New("an EventBridge event without detail.bucket.name or detail.object.key")
		}
		return []Object{o}, nil
	case e.Message != nil && depth < maxDepth:
		if !strings.HasPrefix(strings.TrimSpace(*e.Message), "{") {
			return nil, nil // words to people, such as CloudTrail's validation message
		}
		return parse([]byte(*e.Message), depth+1)
	case e.Event == "s3:TestEvent":
		return nil, nil
	}
	return nil, errForm
}

// put are the created objects of S3's own form.
func (e *envelope) put() (list []Object, err error) {
	for i := range e.Records {
		r := &e.Records[i]
		if !strings.HasPrefix(strings.TrimPrefix(r.EventName, "s3:"), "ObjectCreated:") {
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("an S3 notification with a key that is not URL-encoded: %w", err)
		}
		if key == "" || r.S3.Bucket.Name == "" {
			return nil, fmt.Errorf("an S3 notification without bucket or key in record %d", i)
		}
		list = append(list, Object{Bucket: r.S3.Bucket.Name, Key: key, ETag: unquote(r.S3.Object.ETag), Size: int64(r.S3.Object.Size)})
	}
	return list, nil
}

func unquote(tag string) string { return strings.Trim(tag, `"`) }
