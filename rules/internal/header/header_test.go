package header

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"armor/internal/testenv"
)

// answer is one recorded reading of the reference.
type answer struct {
	Log        string
	Predecoder shown
}

type shown struct {
	Timestamp   string `json:"timestamp"`
	Hostname    string `json:"hostname"`
	ProgramName string `json:"program_name"`
}

// show returns what the reference's alert would show of a line.
func show(line string) shown {
	h := Parse(line)
	return shown{h.Timestamp, AlertHostname(line), h.ProgramName}
}

// TestVectors holds the readings against the reference's.
func TestVectors(t *testing.T) {
	check(t, 40, "predecode-vectors.jsonl", func(line []byte) (a answer, err error) {
		err = json.Unmarshal(line, &a)
		return a, err
	})
}

// TestGolden holds the readings of the reference's own test lines.
func TestGolden(t *testing.T) {
	check(t, 1127, filepath.Join("wazuh-tests", "golden.jsonl.gz"), func(line []byte) (answer, error) {
		var g struct {
			Log    string
			Output struct{ Predecoder shown }
		}
		err := json.Unmarshal(line, &g)
		return answer{g.Log, g.Output.Predecoder}, err
	})
}

func check(t *testing.T, floor int, name string, read func([]byte) (answer, error)) {
	t.Helper()
	f, err := os.Open(filepath.Join(testenv.Data(t), name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	n, failed := 0, 0
	for lines.Scan() {
		a, err := read(lines.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		n++
		if got := show(a.Log); got != a.Predecoder {
			failed++
			t.Errorf("%q:\n got %+v\nwant %+v", a.Log, got, a.Predecoder)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases ran, %d failed", n, failed)
	if n < floor {
		t.Errorf("only %d cases: at least %d are expected", n, floor)
	}
}
