package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"armor/internal/testenv"
	"armor/services/armor/sample"
)

// Corpus is a file of lines to evaluate.
type Corpus struct {
	// Name, and what it holds for people.
	Name, About string
	// Path of the file.
	Path string
	// Lines of it, and the median length of one in bytes.
	Lines, MedianBytes int
}

// CloudTrail writes n CloudTrail records, as an agent sends them.
func CloudTrail(dir string, n int) (Corpus, error) {
	events, err := sample.Events(n)
	if err != nil {
		return Corpus{}, err
	}
	return write(dir, "cloudtrail", "records of the sample", strings.Split(strings.TrimSuffix(string(events), "\n"), "\n"))
}

// Syslog writes n lines as a small server park writes them: those of the generator beside the shared test data, if it is there, else
// Armor's own, which are of the same kind.
func Syslog(ctx context.Context, dir, data string, n int) (Corpus, error) {
	generator := filepath.Join(filepath.Dir(data), "tools", "gen-syslog")
	if _, err := os.Stat(generator); data == "" || err != nil {
		lines, err := testenv.MakeCorpus("syslog", n, data)
		if err != nil {
			return Corpus{}, err
		}
		return write(dir, "syslog", "generated", lines)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return Corpus{}, fmt.Errorf("running %s: %w: install Python 3", generator, err)
	}
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, python, generator, fmt.Sprint(n), "7")
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return Corpus{}, fmt.Errorf("running %s: %w: %s", generator, err, errs.String())
	}
	return write(dir, "syslog", fmt.Sprintf("gen-syslog %d 7", n), strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"))
}

// Reference writes n lines of the reference's own tests, over and over, and n of them and of a syslog corpus in turn.
func Reference(dir, data string, syslog Corpus, n int) (ini, mixed Corpus, err error) {
	lines, err := testenv.MakeCorpus("ini", n, data)
	if err != nil {
		return Corpus{}, Corpus{}, err
	}
	other, err := os.ReadFile(syslog.Path)
	if err != nil {
		return Corpus{}, Corpus{}, fmt.Errorf("reading the syslog corpus: %w", err)
	}
	first := strings.Split(strings.TrimSuffix(string(other), "\n"), "\n")
	both := testenv.Interleave(first[:min((n+1)/2, len(first))], lines[:n/2])
	ini, iniErr := write(dir, "ini", "the reference's test lines", lines)
	mixed, mixedErr := write(dir, "mixed", "one of each in turn", both)
	return ini, mixed, errors.Join(iniErr, mixedErr)
}

func write(dir, name, about string, lines []string) (Corpus, error) {
	c := Corpus{Name: name, About: about, Path: filepath.Join(dir, name+".log"), Lines: len(lines)}
	lengths := make([]int, len(lines))
	for i, line := range lines {
		lengths[i] = len(line)
	}
	slices.Sort(lengths)
	c.MedianBytes = lengths[len(lengths)/2]
	if err := os.WriteFile(c.Path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return Corpus{}, fmt.Errorf("writing the corpus %s: %w", name, err)
	}
	return c, nil
}
