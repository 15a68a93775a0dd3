package notification

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const s3Form = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},` +
	`"object":{"key":"AWSLogs/1/a+b%2Bc%3D.json.gz","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e","sequencer":"0A1B2C"}}},` +
	`{"eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"b"},"object":{"key":"gone"}}},` +
	`{"eventName":"s3:ObjectCreated:CompleteMultipartUpload","s3":{"bucket":{"name":"c"},"object":{"key":"k"}}}]}`

func wrapped(message string) string {
	text, _ := json.Marshal(message)
	return `{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:1:t","Message":` + string(text) + `,"Subject":"Amazon S3 Notification"}`
}

func TestForms(t *testing.T) {
	two := []Object{{"b", "AWSLogs/1/a b+c=.json.gz", "d41d8cd98f00b204e9800998ecf8427e", 1024}, {"c", "k", "", 0}}
	tests := []struct {
		name, body string
		want       []Object
	}{
		{"S3", s3Form, two},
		{"SNS", wrapped(s3Form), two},
		{"SNS in SNS", wrapped(wrapped(s3Form)), two},
		{"EventBridge", `{"version":"0","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"a+b c%20","size":5,"etag":"e"}}}`, []Object{{"b", "a+b c%20", "e", 5}}},
		{"EventBridge of something else", `{"detail-type":"Object Deleted","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`, nil},
		{"EventBridge through SNS", wrapped(`{"detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`), []Object{{"b", "k", "", 0}}},
		{"CloudTrail's notice", wrapped(`{"s3Bucket":"b","s3ObjectKey":["k1","k2"]}`), []Object{{Bucket: "b", Key: "k1"}, {Bucket: "b", Key: "k2"}}},
		{"test event", `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b"}`, nil},
		{"CloudTrail's validation", wrapped("CloudTrail validation message."), nil},
	}
	for _, test := range tests {
		got, err := Parse([]byte(test.body))
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", test.name, err, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	deep := s3Form
	for range maxDepth + 1 {
		deep = wrapped(deep)
	}
	for _, body := range []string{
		"", "hello", "[]", "{}", `{"Records":7}`, `{"Records":[{"eventName":"ObjectCreated:Put"}]}`, deep,
		`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%zz"}}}]}`, `{"detail-type":"Object Created","detail":{}}`,
	} {
		if got, err := Parse([]byte(body)); err == nil {
			t.Errorf("%.60s: taken for %v", body, got)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is not one line", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(s3Form))
	f.Add([]byte(wrapped(s3Form)))
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := Parse(body)
		if err != nil && len(list) > 0 {
			t.Error("objects and an error")
		}
		for _, o := range list {
			if o.Bucket == "" && o.Key == "" {
				t.Errorf("%+v", o)
			}
		}
	})
}
