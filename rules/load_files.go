package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path"
	"slices"
	"strings"

	"armor/rules/internal/xmldoc"
)

// Limits of a ruleset's files.
const (
	// maxFiles is how many files all sources may have together.
	maxFiles = 20000
	// maxTotal is how large they may be together, in bytes.
	maxTotal = 1 << 30
)

// Folders of a source.
const (
	decoderDir = "decoders"
	ruleDir    = "rules"
	listDir    = "lists"
	testingDir = "testing"
)

// hasher makes the ruleset's hash of its options and files.
type hasher struct {
	h     hash.Hash
	total int
	count int
}

func newHash(opts Options) *hasher {
	h := &hasher{h: sha256.New()}
	ids := make([]int, 0, len(opts.SetRuleDecoder))
	for id := range opts.SetRuleDecoder {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	fmt.Fprintf(h.h, "dialect %d\n", opts.Dialect)
	for _, id := range ids {
		fmt.Fprintf(h.h, "decoder %d %q\n", id, opts.SetRuleDecoder[id])
	}
	return h
}

func (h *hasher) add(name string, data []byte) {
	fmt.Fprintf(h.h, "file %q %d\n", name, len(data))
	h.h.Write(data)
}

func (h *hasher) sum() string { return hex.EncodeToString(h.h.Sum(nil)) }

// read reads a file, within the limits, and counts it into the hash.
func (l *loader) read(src *Source, name string) ([]byte, error) {
	data, err := fs.ReadFile(src.FS, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", src.show(name), err)
	}
	l.hash.total += len(data)
	l.hash.count++
	if l.hash.total > maxTotal || l.hash.count > maxFiles {
		return nil, fmt.Errorf("read %s: the ruleset has more than %d files or %d bytes; leave some out", src.show(name), maxFiles, maxTotal)
	}
	l.hash.add(src.show(name), data)
	l.files = append(l.files, src.show(name))
	return data, nil
}

// show is a file name as problems name it.
func (s *Source) show(name string) string {
	if s.Name == "" {
		return name
	}
	return path.Join(s.Name, name)
}

// collect reads all files of all sources.
func (l *loader) collect(sources []Source) error {
	for _, globs := range [][]string{l.opts.Include, l.opts.Exclude} {
		for _, g := range globs {
			if _, err := path.Match(g, "x"); err != nil {
				return fmt.Errorf("file pattern %q: %w", g, err)
			}
		}
	}
	l.lists = newListSet()
	settings := make([]settings, len(sources))
	for i := range sources {
		s, err := l.settings(&sources[i])
		if err != nil {
			return err
		}
		settings[i] = s
		if err := l.readLists(&sources[i], &s); err != nil {
			return err
		}
	}
	for _, dirs := range [][]string{{decoderDir, ruleDir}, {testingDir}} {
		for i := range sources {
			for _, dir := range dirs {
				if err := l.readDir(&sources[i], dir, &settings[i]); err != nil {
					return err
				}
			}
		}
	}
	if len(l.opts.Include) > 0 && len(l.rules) == 0 {
		return fmt.Errorf("no rule file matches --include %s", strings.Join(l.opts.Include, ", "))
	}
	if len(l.decoders)+len(l.rules) == 0 {
		return errors.New("there is no decoders/*.xml and no rules/*.xml in it")
	}
	return nil
}

// readDir reads the XML files of a folder and sorts them into decoders and rules.
func (l *loader) readDir(src *Source, dir string, set *settings) error {
	entries, err := fs.ReadDir(src.FS, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read folder %s: %w", src.show(dir), err)
	}
	for _, e := range entries { // sorted by name
		name := path.Join(dir, e.Name())
		if e.IsDir() || path.Ext(name) != ".xml" || dir == ruleDir && !l.wanted(name, set) {
			continue
		}
		data, err := l.read(src, name)
		if err != nil {
			return err
		}
		doc := &document{name: src.show(name), text: string(data)}
		var mistakes []xmldoc.Mistake
		doc.roots, mistakes = xmldoc.Parse(doc.text)
		isRules := dir == ruleDir
		if dir == testingDir {
			isRules = !slices.ContainsFunc(doc.roots, func(e *xmldoc.Element) bool { return e.Name == "decoder" })
			if isRules && !l.wanted(name, set) {
				continue
			}
		}
		for _, m := range mistakes {
			p := Problem{File: doc.name, Line: m.Line, Message: m.Message, Severity: Warning}
			if m.Fatal {
				p.Severity = Error
			}
			l.problems.Add(p)
		}
		if isRules {
			l.rules = append(l.rules, doc)
		} else {
			l.decoders = append(l.decoders, doc)
		}
	}
	return nil
}

// wanted says whether a rule file is to be loaded.
func (l *loader) wanted(name string, set *settings) bool {
	if len(l.opts.Include) > 0 {
		return matches(l.opts.Include, name) && !matches(l.opts.Exclude, name)
	}
	return !matches(l.opts.Exclude, name) && !matches(set.Exclude, name)
}

// matches says whether one of the globs fits the name or its last part.
func matches(globs []string, name string) bool {
	for _, g := range globs {
		if ok, _ := path.Match(g, name); ok {
			return true
		}
		if ok, _ := path.Match(g, path.Base(name)); ok {
			return true
		}
	}
	return false
}
