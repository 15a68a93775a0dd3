package cloudtrail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"armor/agent/cloudtrail/access"
)

// Limits of a stream.
const (
	// reopenings of an object whose connection breaks, in a row without a byte between them.
	reopenings = 5
	// stall is how long S3 may send nothing before the connection is given up.
	stall = 2 * time.Minute
)

// stream reads an object from S3 and goes on where it was when the connection breaks, as it does when nobody reads for a long time.
type stream struct {
	ctx    context.Context
	api    *s3.Client
	bucket string
	key    string
	etag   string
	size   int64

	body   io.ReadCloser
	cancel context.CancelCauseFunc
	off    int64
	tries  int
	err    error // of S3: it, not the content, is why reading ended
}

var errStalled = errors.New("S3 sends nothing")

// openStream asks for an object. The error is a *access.Problem.
func openStream(ctx context.Context, api *s3.Client, bucket, key, etag string) (*stream, error) {
	s := &stream{ctx: ctx, api: api, bucket: bucket, key: key, etag: etag}
	return s, s.open()
}

// open asks for what is left. Only the same object is taken.
func (s *stream) open() error {
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &s.key}
	if s.etag != "" {
		in.IfMatch = aws.String(`"` + s.etag + `"`)
	}
	if s.off > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", s.off))
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	out, err := s.api.GetObject(ctx, in)
	if err != nil {
		cancel(nil)
		return access.Explain(err, "s3:GetObject", "s3://"+s.bucket+"/"+s.key)
	}
	s.body, s.cancel = out.Body, cancel
	if s.etag == "" {
		s.etag = strings.Trim(aws.ToString(out.ETag), `"`)
	}
	if s.off == 0 {
		s.size = aws.ToInt64(out.ContentLength)
	}
	return nil
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	for {
		if s.err != nil {
			return 0, s.err
		}
		timer := time.AfterFunc(stall, func() { s.cancel(errStalled) })
		n, err := s.body.Read(p)
		timer.Stop()
		s.off += int64(n)
		if n > 0 {
			s.tries = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		if err == io.EOF && s.off >= s.size {
			return 0, io.EOF
		}
		if err := context.Cause(s.ctx); err != nil {
			s.err = err
			continue
		}
		s.Close()
		if s.tries++; s.tries > reopenings {
			s.err = access.Explain(err, "s3:GetObject", "s3://"+s.bucket+"/"+s.key)
			continue
		}
		s.err = s.open()
	}
}

// Close ends the connection.
func (s *stream) Close() {
	s.cancel(nil)
	_ = s.body.Close() // nothing was written
}
