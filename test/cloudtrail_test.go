package test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"armor/internal/testenv"
	"armor/test/ledger"
)

// specRules is the file of the specification's ten rules.
const specRules = "*ec2*"

// cloudtrailData is the folder of real records and what its records must give.
func cloudtrailData(t testing.TB) (dir string, rows []ledger.Row) {
	t.Helper()
	dir = filepath.Join(testenv.Data(t), "cloudtrail")
	f, err := os.Open(filepath.Join(dir, "expected.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err = ledger.ReadCSV(f); err != nil {
		t.Fatal(err)
	}
	return dir, rows
}

// expected is the ledger of rows, those of some files only when keep is given.
func expected(rows []ledger.Row) *ledger.Ledger {
	l := ledger.New()
	for _, row := range rows {
		if row.OK {
			l.Expect(row.Entry)
		}
	}
	return l
}

// records reads the records of a CloudTrail file as they are.
func records(t testing.TB, path string) []json.RawMessage {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	var file struct{ Records []json.RawMessage }
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return file.Records
}

var eventIDField = regexp.MustCompile(`"eventID"\s*:\s*"([^"]*)"`)

// renew gives a record a new eventID; one without gets one.
func renew(record []byte, id string) []byte {
	fresh := []byte(fmt.Sprintf(`"eventID":%q`, id))
	if eventIDField.Match(record) {
		return eventIDField.ReplaceAllLiteral(record, fresh)
	}
	return append(append([]byte("{"), append(fresh, ',')...), bytes.TrimPrefix(record, []byte("{"))...)
}

// multiply writes copies of all records with new ids, and gives what must come of them.
func multiply(t testing.TB, copies int, into ...string) *ledger.Ledger {
	t.Helper()
	dir, rows := cloudtrailData(t)
	byFile := map[string][]ledger.Row{}
	for _, row := range rows {
		byFile[row.File] = append(byFile[row.File], row)
	}
	l := ledger.New()
	number := 0
	for file, rows := range byFile {
		all := records(t, filepath.Join(dir, file))
		name := strings.NewReplacer("/", "-", ".json.gz", "", ".json", "").Replace(file)
		for c := range copies {
			var b bytes.Buffer
			b.WriteString(`{"Records":[`)
			for i, row := range rows {
				if i > 0 {
					b.WriteByte(',')
				}
				number++
				entry := row.Entry
				entry.EventID = fmt.Sprintf("00000000-0000-4000-8000-%012x", number)
				b.Write(renew(all[row.Index], entry.EventID))
				if row.OK {
					l.Expect(entry)
				}
			}
			b.WriteString(`]}`)
			path := filepath.Join(into[number%len(into)], fmt.Sprintf("%s-%03d.json", name, c))
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return l
}
