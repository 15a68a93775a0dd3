package cloudtrail

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Line is a record as the rules see it.
type Line struct {
	// Text is valid until the next one.
	Text []byte
	// Time of the event; zero if the record has none.
	Time time.Time
	// Sum is the SHA-256 of the compact record.
	Sum [32]byte
	// Cut says that the record is longer than 1 MiB.
	Cut bool
}

// Scanner reads whole files, one after the other, outside of an input: nothing is remembered of them.
type Scanner struct {
	// AccountAliases are names of accounts.
	AccountAliases map[string]string

	buf *bufio.Reader
	gz  *gzip.Reader
	dec *Decoder
	out []byte
}

// IsLog says whether a path or key is one of a CloudTrail log; digests and other files are none.
func IsLog(rel string) bool {
	ok, _ := isLog(rel)
	return ok
}

// Scan calls each with the records of a file, gzip or plain. rel is its path or key, bucket the bucket's name or empty. The error is that
// of each, or says where the file stops being one; elements that are no records are left out, and the error says so at the end.
func (s *Scanner) Scan(src io.Reader, rel, bucket string, each func(Line) error) error {
	if s.dec == nil {
		s.buf, s.dec = bufio.NewReaderSize(nil, 64<<10), NewDecoder(nil, false)
	}
	s.buf.Reset(src)
	var text io.Reader = s.buf
	if magic, _ := s.buf.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		if s.gz == nil {
			s.gz = new(gzip.Reader)
		}
		if err := s.gz.Reset(s.buf); err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
		text = s.gz
	}
	_, lines := isLog(rel)
	s.dec.Reset(text, lines)
	fr := newFrame(rel, bucket, s.AccountAliases)
	var wrong error
	for {
		rec, err := s.dec.Next()
		if err == io.EOF {
			return wrong
		}
		if isRecordError(err) {
			if wrong == nil {
				wrong = fmt.Errorf("an element is no record: %w", err)
			}
			continue
		}
		if err != nil {
			return err
		}
		s.out = fr.appendLine(s.out[:0], rec)
		at, _ := parseTime(rec.EventTime)
		if err := each(Line{Text: s.out, Time: at, Sum: rec.Sum, Cut: rec.Cut}); err != nil {
			return err
		}
	}
}
