// Package cloudtest gives tests of CloudTrail inputs their buckets and queues, on a server that answers as AWS does.
package cloudtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/logging"

	"armor/agent/cloudtrail/access"
)

// Region of all tests.
const Region = "eu-central-1"

// Cloud is a server's S3 and SQS, as the owner of the account sees them.
type Cloud struct {
	t   testing.TB
	url string
	S3  *s3.Client
	SQS *sqs.Client
}

// New connects to a server.
func New(t testing.TB, url string) *Cloud {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(Region), config.WithBaseEndpoint(url), config.WithLogger(logging.Nop{}),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIAOWNER", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	return &Cloud{t: t, url: url, S3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), SQS: sqs.NewFromConfig(cfg)}
}

// URL is the server's address.
func (c *Cloud) URL() string { return c.url }

// Options are those of an input that reads from the server. The test's environment gets credentials, as an agent's has them.
func (c *Cloud) Options() access.Options {
	return Options(c.url)
}

// Options are those of an input that reads from a server.
func Options(url string) access.Options {
	return access.Options{Region: Region, PathStyle: true, Endpoints: access.Endpoints{S3: url, SQS: url, STS: url}}
}

// Environment gives the test, and the processes that it starts, credentials and nothing of the machine's own.
func Environment(t *testing.T) {
	t.Helper()
	for key, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAAGENT", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
		"AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(key, value)
	}
}

// Bucket makes a bucket.
func (c *Cloud) Bucket(name string) string {
	c.t.Helper()
	_, err := c.S3.CreateBucket(context.Background(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: Region},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return name
}

// Put puts an object.
func (c *Cloud) Put(bucket, key string, data []byte) {
	c.t.Helper()
	if _, err := c.S3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data)}); err != nil {
		c.t.Fatal(err)
	}
}

// Keys are the keys of a bucket.
func (c *Cloud) Keys(bucket string) (keys []string) {
	c.t.Helper()
	pages := s3.NewListObjectsV2Paginator(c.S3, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			c.t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	return keys
}

// Queue makes a queue and returns its URL; a message that was received shows again after visibility seconds.
func (c *Cloud) Queue(name string, visibility int) string {
	c.t.Helper()
	out, err := c.SQS.CreateQueue(context.Background(), &sqs.CreateQueueInput{
		QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": fmt.Sprint(visibility)},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return *out.QueueUrl
}

// Notify has a bucket's new objects told to a queue.
func (c *Cloud) Notify(bucket, queue string) {
	c.t.Helper()
	attributes, err := c.SQS.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"}})
	if err != nil {
		c.t.Fatal(err)
	}
	_, err = c.S3.PutBucketNotificationConfiguration(context.Background(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: &bucket, NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{{
			QueueArn: aws.String(attributes.Attributes["QueueArn"]), Events: []types.Event{"s3:ObjectCreated:*"},
		}}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// Send sends a message.
func (c *Cloud) Send(queue, body string) {
	c.t.Helper()
	if _, err := c.SQS.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body}); err != nil {
		c.t.Fatal(err)
	}
}

// Tell sends the notification of an object, as S3 does.
func (c *Cloud) Tell(queue, bucket, key, etag string) {
	c.t.Helper()
	c.Send(queue, Notice(bucket, key, etag))
}

// Notice is S3's notification of an object whose key needs no encoding.
func Notice(bucket, key, etag string) string {
	text, _ := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": Region, "eventName": "ObjectCreated:Put",
		"s3": map[string]any{"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": key, "eTag": etag}},
	}}})
	return string(text)
}

// Waiting is how many messages a queue holds that can be received, and how many are in flight.
func (c *Cloud) Waiting(queue string) (visible, inFlight string) {
	c.t.Helper()
	out, err := c.SQS.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}
