package sample

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// eventID is the field that tells two copies of a record apart.
var eventID = regexp.MustCompile(`"eventID":"[^"]*"`)

// copiesPerFile is how many records a file of copies holds: about what a busy account delivers in one.
const copiesPerFile = 1000

// WriteCopies writes CloudTrail files with n records to dir: the sample's records over and over, each with an event id of its own.
func WriteCopies(dir string, n int) error {
	records, err := Records()
	if err != nil {
		return err
	}
	return WriteCopiesOf(dir, records, n)
}

// WriteCopiesOf is WriteCopies for records that are chosen by the caller.
func WriteCopiesOf(dir string, records []json.RawMessage, n int) error {
	for begin := 0; begin < n; begin += copiesPerFile {
		name := fmt.Sprintf("123456789012_CloudTrail_us-east-1_20261122T0000Z_copies%010d.json.gz", begin)
		if err := writeCopies(filepath.Join(dir, name), records, begin, min(begin+copiesPerFile, n)); err != nil {
			return fmt.Errorf("write copies of the sample: %w", err)
		}
	}
	return nil
}

// Events gives n copies of the sample's records as the engine gets them from an agent, one event a line.
func Events(n int) ([]byte, error) {
	records, err := Records()
	if err != nil {
		return nil, err
	}
	var b []byte
	for i := range n {
		b = append(AppendEvent(b, copyOf(records, i)), '\n')
	}
	return b, nil
}

// AppendEvent appends a record as the engine gets it from an agent.
func AppendEvent(dst []byte, record json.RawMessage) []byte {
	dst = append(dst, `{"integration":"aws","aws":{"log_info":{"aws_account_alias":"","log_file":"sample","s3bucket":""},"source":"cloudtrail",`...)
	dst = append(dst, record[1:]...)
	return append(dst, '}')
}

// Records gives the sample's records in the order of their files.
func Records() ([]json.RawMessage, error) {
	all, err := records()
	if err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	return all, nil
}

// copyOf is the i-th copy: a record with an event id of its own.
func copyOf(records []json.RawMessage, i int) []byte {
	return eventID.ReplaceAllLiteral(records[i%len(records)], fmt.Appendf(nil, `"eventID":"00000000-0000-4000-8000-%012x"`, i))
}

// writeCopies writes the copies begin to end-1 to one file.
func writeCopies(path string, records []json.RawMessage, begin, end int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	packed, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(packed)
	w.WriteString(`{"Records":[`)
	for i := begin; i < end; i++ {
		if i > begin {
			w.WriteByte(',')
		}
		w.Write(copyOf(records, i))
	}
	w.WriteString("]}")
	if err := w.Flush(); err != nil {
		return err
	}
	return packed.Close()
}

// records gives the sample's records in the order of their files.
func records() (all []json.RawMessage, err error) {
	err = fs.WalkDir(files, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		var r io.Reader = bytes.NewReader(content)
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(r); err != nil {
				return err
			}
		}
		var file struct{ Records []json.RawMessage }
		if err := json.NewDecoder(r).Decode(&file); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, file.Records...)
		return nil
	})
	return all, err
}
