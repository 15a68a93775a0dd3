package cloudtrail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/gzip"

	"armor/agent/cloudtrail/archive"
)

// fetcher reads objects, one after the other, in memory that it keeps.
type fetcher struct {
	api    *s3.Client
	intake *Intake
	origin *origin
	buf    *bufio.Reader
	gz     *gzip.Reader
	dec    *Decoder
	bytes  func(int64) // hears of bytes read
}

func newFetcher(api *s3.Client, intake *Intake, o *origin, bytes func(int64)) *fetcher {
	return &fetcher{api: api, intake: intake, origin: o, buf: bufio.NewReaderSize(nil, 64<<10), dec: NewDecoder(nil, false), bytes: bytes}
}

// damage says that an object's content is wrong.
type damage struct{ reason string }

func (d *damage) Error() string { return d.reason }

// errIntake says that the agent cannot take records any more.
var errIntake = errors.New("the spool takes no more records")

// read adds the records of an object, behind those that were read before, to the intake. The error is a *damage, a *access.Problem, or
// joined with errIntake.
func (f *fetcher) read(ctx context.Context, o *object) error {
	s, err := archive.OpenObject(ctx, f.api, o.bucket, o.key, o.etag)
	if err != nil {
		return err
	}
	o.etag = s.ETag()
	if f.intake.objects.isRead(o, o.etag) {
		return s.Close()
	}
	err = f.decode(ctx, o, s)
	if err == errMismatch {
		// It was replaced: from its beginning. What it repeats is recognised by its records' ids.
		f.end(s)
		o.records, o.chain = 0, 0
		if s, err = archive.OpenObject(ctx, f.api, o.bucket, o.key, o.etag); err != nil {
			return err
		}
		err = f.decode(ctx, o, s)
	}
	f.end(s)
	if err != nil && s.Failure() != nil {
		return s.Failure() // why the content ended
	}
	return err
}

func (f *fetcher) end(s *archive.Object) {
	f.bytes(s.Offset())
	_ = s.Close() // nothing was written
}

// errMismatch says that an object does not begin with what was read of it before.
var errMismatch = errors.New("not the object that was begun")

func (f *fetcher) decode(ctx context.Context, o *object, s *archive.Object) error {
	f.buf.Reset(s)
	var src io.Reader = f.buf
	if magic, _ := f.buf.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		if f.gz == nil {
			f.gz = new(gzip.Reader)
		}
		if err := f.gz.Reset(f.buf); err != nil {
			return &damage{"gzip: " + err.Error()}
		}
		src = f.gz
	}
	return f.records(ctx, o, src)
}

func (f *fetcher) records(ctx context.Context, o *object, src io.Reader) error {
	f.dec.Reset(src, false)
	fr := newFrame(o.key, o.bucket, f.origin.aliases)
	e := element{frame: &fr, location: o.url(), read: f.intake.now()}
	skip, want := o.records, o.chain
	wrong, first := 0, ""
	for {
		rec, err := f.dec.Next()
		switch {
		case err == nil:
			e.chain = link(e.chain, &rec.Sum)
		case isRecordError(err):
			if wrong++; wrong == 1 {
				first = err.Error()
			}
			rec = nil
			e.chain = link(e.chain, &[32]byte{})
		case err == io.EOF && e.number < skip:
			return errMismatch
		case err == io.EOF && wrong > 0:
			return &damage{fmt.Sprintf("%d of %d elements are no records, the first at %s", wrong, e.number, first)}
		case err == io.EOF:
			return nil
		default:
			return &damage{fmt.Sprintf("%v; %d records before that are read", err, max(e.number, skip))}
		}
		e.number++
		if e.number == skip && e.chain != want {
			return errMismatch
		}
		if e.number <= skip {
			continue
		}
		e.record = rec
		if err := f.intake.add(ctx, f.origin, o, &e); err != nil {
			return errors.Join(errIntake, err)
		}
	}
}

func isRecordError(err error) bool {
	_, ok := errors.AsType[*RecordError](err)
	return ok
}
