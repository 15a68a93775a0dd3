package cloudtrail

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// maxRecord is how much of a record's text is kept, in bytes. The rest is read, checked and hashed, but not held in memory.
const maxRecord = 1 << 20

// maxDepth bounds how deep a record may nest. One that is deeper is skipped: it must not hide the records behind it.
const maxDepth = 1000

// maxSkipped bounds how deep an element may nest that is only skipped, for each level costs a byte of memory.
const maxSkipped = 1 << 20

// A Record is one element of a file's Records. It is valid until the next call of the Decoder.
type Record struct {
	// Text is the record without white space between its tokens, otherwise as delivered; at most 1 MiB of it.
	Text []byte
	// Cut says that the record is longer than Text.
	Cut bool
	// Sum is the SHA-256 of the whole compact record.
	Sum [sha256.Size]byte
	// Texts of top-level strings as they stand in the JSON, escapes included; empty where there is none.
	EventTime, RecipientAccountID, UserAccountID []byte
}

// Decoder reads the records of a CloudTrail file one after the other. Its memory does not grow with the file.
type Decoder struct {
	src  io.Reader
	buf  []byte
	r, w int   // unread part of buf
	base int64 // offset of buf[0]
	err  error // of src

	lines bool
	state state
	found bool // a Records array was there
	index int  // of the record at hand

	discard bool // what is read is not kept
	rec     []byte
	over    bool // the record is longer than rec
	deep    bool // the record nests deeper than maxDepth
	sum     hash.Hash
	small   []byte // text of a string that is not in rec
	stack   []byte
	record  Record
	picked  [3][64]byte // backing of the record's strings
	field   field
	inUser  bool
}

type state byte

const (
	atStart  state = iota
	atKey          // in the outer object, before a key
	atFirst        // behind the [ of Records
	atNext         // behind an element of Records
	atEnd          // behind the outer object
	finished       // nothing more to come, or not to be read any further
)

type field byte

const (
	otherField field = iota
	eventTime
	recipientAccount
	userIdentity
	userAccount
)

// FormatError says where a file stops being a CloudTrail file. The records before that place have been returned.
type FormatError struct {
	// Offset in bytes, of the unpacked text.
	Offset int64
	// Record is the index of the record at that place, from 0.
	Record int
	// Reason in words.
	Reason string
	// Cause is the error of the reader below, if it was that; nil if the text itself is wrong.
	Cause error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("byte %d, record %d: %s", e.Offset, e.Record, e.Reason)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Cause }

// A RecordError says that one element of Records is no record. Those after it can be read.
type RecordError struct {
	// Offset of the element in bytes, of the unpacked text.
	Offset int64
	// Record is its index, from 0.
	Record int
	// Reason in words.
	Reason string
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("byte %d, record %d: %s", e.Offset, e.Record, e.Reason)
}

// NewDecoder reads a file of the form {"Records":[...]}. If lines is set it reads a run of records instead, as in a file with one
// record a line.
func NewDecoder(src io.Reader, lines bool) *Decoder {
	d := &Decoder{buf: make([]byte, 128<<10), rec: make([]byte, 0, 8<<10)}
	d.Reset(src, lines)
	return d
}

// Reset begins another file with the memory of this one.
func (d *Decoder) Reset(src io.Reader, lines bool) {
	buf, rec, small, stack := d.buf, d.rec[:0], d.small[:0], d.stack[:0]
	if cap(rec) > 256<<10 {
		rec = make([]byte, 0, 8<<10)
	}
	*d = Decoder{src: src, buf: buf, rec: rec, small: small, stack: stack, lines: lines}
	if lines {
		d.state = atNext
	}
}

// Next returns the next record. At the end of a whole file the error is io.EOF. A *RecordError skips one element, and Next may be
// called again; a *FormatError is the end.
func (d *Decoder) Next() (*Record, error) {
	if d.state == finished {
		return nil, io.EOF
	}
	for {
		done, err := d.step()
		if err != nil {
			if _, ok := errors.AsType[*RecordError](err); !ok {
				d.state = finished
			}
			return nil, err
		}
		if done {
			return &d.record, nil
		}
	}
}

// step reads one piece of the outer form; done says that it was a record.
func (d *Decoder) step() (done bool, err error) {
	c, ok := d.space()
	if ok && c == 0xEF && d.base+int64(d.r) == 0 {
		return false, d.mark()
	}
	if d.lines {
		if !ok && errors.Is(d.err, io.EOF) {
			return false, io.EOF
		}
		if !ok {
			return false, d.ended("a record")
		}
		return d.element(c)
	}
	switch {
	case d.state == atEnd && !ok && errors.Is(d.err, io.EOF):
		if !d.found {
			return false, d.fail(`expected an object with an array "Records", and there is none in this one`)
		}
		return false, io.EOF
	case d.state == atEnd && c == '{' && !d.found:
		return false, d.fail(`expected one object with an array "Records", found several without it (a file with one record a line is read if its name ends in .jsonl or .ndjson)`)
	case d.state == atEnd && ok:
		return false, d.fail(fmt.Sprintf("expected nothing after the object, found %q", c))
	case !ok:
		return false, d.ended("")
	}
	switch d.state {
	case atStart:
		return false, d.start(c)
	case atKey:
		return false, d.key(c)
	case atFirst:
		if c == ']' {
			d.r++
			return false, d.after()
		}
		return d.element(c)
	default: // atNext
		switch c {
		case ',':
			d.r++
			if c, ok = d.space(); !ok {
				return false, d.ended("a record")
			}
			return d.element(c)
		case ']':
			d.r++
			return false, d.after()
		}
		return false, d.unexpected(c, `"," or "]" after a record`)
	}
}

// mark reads a byte order mark at the beginning of the file.
func (d *Decoder) mark() error {
	for _, b := range []byte{0xEF, 0xBB, 0xBF} {
		if d.r == d.w && !d.more() || d.buf[d.r] != b {
			return d.fail("expected JSON text")
		}
		d.r++
	}
	return nil
}

// start reads the { of the outer object.
func (d *Decoder) start(c byte) error {
	if c != '{' {
		return d.unexpected(c, `an object with an array "Records"`)
	}
	d.r++
	if c, ok := d.space(); ok && c == '}' {
		d.r++
		d.state = atEnd
		return nil
	}
	d.state = atKey
	return nil
}

// key reads a key of the outer object and, unless it is Records, its value.
func (d *Decoder) key(c byte) error {
	if c != '"' {
		return d.unexpected(c, "a key")
	}
	d.discard = true
	text, err := d.str()
	if err != nil {
		return err
	}
	records := string(text) == "Records"
	c, ok := d.space()
	if !ok {
		return d.ended("")
	}
	if c != ':' {
		return d.unexpected(c, `":"`)
	}
	d.r++
	if !records {
		if err := d.value(); err != nil {
			return err
		}
		return d.after()
	}
	if c, ok = d.space(); !ok {
		return d.ended("")
	}
	if c != '[' {
		return d.unexpected(c, `the array "Records"`)
	}
	d.r++
	d.found = true
	d.state = atFirst
	return nil
}

// after reads what follows a value of the outer object.
func (d *Decoder) after() error {
	c, ok := d.space()
	if !ok {
		return d.ended("")
	}
	switch c {
	case ',':
		d.state = atKey
	case '}':
		d.state = atEnd
	default:
		return d.unexpected(c, `"," or "}"`)
	}
	d.r++
	return nil
}

// element reads an element of Records.
func (d *Decoder) element(c byte) (bool, error) {
	d.state = atNext
	at := d.base + int64(d.r)
	d.begin(c != '{')
	if err := d.value(); err != nil {
		return false, err
	}
	d.index++
	if c != '{' {
		return false, &RecordError{Offset: at, Record: d.index - 1, Reason: fmt.Sprintf("expected a record, that is an object, found %s", kindOf(c))}
	}
	if d.deep {
		return false, &RecordError{Offset: at, Record: d.index - 1, Reason: fmt.Sprintf("nested deeper than %d", maxDepth)}
	}
	d.record.Text, d.record.Cut = d.rec, d.over
	if d.over {
		d.sum.Sum(d.record.Sum[:0])
	} else {
		d.record.Sum = sha256.Sum256(d.rec)
	}
	return true, nil
}

func kindOf(c byte) string {
	switch c {
	case '"':
		return "a string"
	case '[':
		return "an array"
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	default:
		return "a number"
	}
}

// begin prepares for a record.
func (d *Decoder) begin(discard bool) {
	d.discard, d.over, d.deep, d.inUser, d.field = discard, false, false, false, otherField
	d.rec = d.rec[:0]
	d.record = Record{}
}

// fail says that the text at the present place is wrong.
func (d *Decoder) fail(reason string) error {
	return &FormatError{Offset: d.base + int64(d.r), Record: d.index, Reason: reason}
}

func (d *Decoder) unexpected(c byte, want string) error {
	return d.fail(fmt.Sprintf("expected %s, found %q", want, c))
}

// ended says that the text ends too early, or that it cannot be read.
func (d *Decoder) ended(in string) error {
	reason := "the file ends too early"
	if in != "" {
		reason += ", in " + in
	}
	cause := d.err
	if !errors.Is(cause, io.EOF) && !errors.Is(cause, io.ErrUnexpectedEOF) {
		reason = cause.Error()
	} else if cause == io.ErrUnexpectedEOF {
		reason += " (the gzip data is cut off)"
	}
	return &FormatError{Offset: d.base + int64(d.r), Record: d.index, Reason: reason, Cause: cause}
}
