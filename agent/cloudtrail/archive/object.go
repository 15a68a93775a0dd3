package archive

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

// Limits of an object.
const (
	// reopenings of an object whose connection breaks, in a row without a byte between them.
	reopenings = 5
	// stall is how long S3 may send nothing before the connection is given up.
	stall = 2 * time.Minute
)

// Object reads an object from S3 and goes on where it was when the connection breaks, as it does when nobody reads for a long time.
type Object struct {
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

// OpenObject asks for an object; with an ETag only for the one that has it. The error is a *access.Problem.
func OpenObject(ctx context.Context, api *s3.Client, bucket, key, etag string) (*Object, error) {
	s := &Object{ctx: ctx, api: api, bucket: bucket, key: key, etag: etag}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

// ETag of the object, without quotes.
func (s *Object) ETag() string { return s.etag }

// Offset is how many bytes were read.
func (s *Object) Offset() int64 { return s.off }

// Failure is why S3, not the content, ended the reading; nil if it did not. It is a *access.Problem, or the end of the context.
func (s *Object) Failure() error { return s.err }

// open asks for what is left. Only the same object is taken.
func (s *Object) open() error {
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
func (s *Object) Read(p []byte) (int, error) {
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
		_ = s.Close() // nothing was written
		if s.tries++; s.tries > reopenings {
			s.err = access.Explain(err, "s3:GetObject", "s3://"+s.bucket+"/"+s.key)
			continue
		}
		s.err = s.open()
	}
}

// Close ends the connection.
func (s *Object) Close() error {
	s.cancel(nil)
	return s.body.Close()
}
