package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"armor/rules/internal/list"
)

// settingsFile names exclusions and lists of a source.
const settingsFile = "ruleset.yaml"

// settings is the content of ruleset.yaml.
type settings struct {
	// Exclude lists rule files to leave out, as globs.
	Exclude []string `yaml:"exclude"`
	// Lists names the lists to load, relative to lists/. Absent: all.
	Lists []string `yaml:"lists"`
}

// The defaults of the reference for its own ruleset.
var (
	referenceExclude = []string{"rules/0215-policy_rules.xml"}
	referenceLists   = []string{
		"audit-keys", "amazon/aws-eventnames", "security-eventchannel",
		"malicious-ioc/malware-hashes", "malicious-ioc/malicious-ip", "malicious-ioc/malicious-domains",
	}
)

// settings reads ruleset.yaml. Without one the reference's defaults hold, and a note says which of them matter here.
func (l *loader) settings(src *Source) (settings, error) {
	var s settings
	_, err := fs.Stat(src.FS, settingsFile)
	if err == nil {
		data, err := l.read(src, settingsFile)
		if err != nil {
			return s, err
		}
		dec := yaml.NewDecoder(bytes.NewReader(data))
		dec.KnownFields(true)
		if err := dec.Decode(&s); err != nil && len(bytes.TrimSpace(data)) > 0 {
			return s, fmt.Errorf("read %s: %w", src.show(settingsFile), err)
		}
		for _, g := range s.Exclude {
			if _, err := path.Match(g, "x"); err != nil {
				return s, fmt.Errorf("read %s: exclude %q: %w", src.show(settingsFile), g, err)
			}
		}
		return s, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("read %s: %w", src.show(settingsFile), err)
	}
	for _, name := range referenceExclude {
		if _, err := fs.Stat(src.FS, name); err == nil {
			s.Exclude = append(s.Exclude, name)
			l.notes = append(l.notes, fmt.Sprintf("no %s: %s is left out, the reference's default", settingsFile, src.show(name)))
		}
	}
	for _, name := range referenceLists {
		if _, err := fs.Stat(src.FS, path.Join(listDir, name)); err == nil {
			s.Lists = append(s.Lists, name)
		}
	}
	if len(s.Lists) > 0 {
		l.notes = append(l.notes, fmt.Sprintf("no %s: the lists are %s, the reference's default", settingsFile, strings.Join(s.Lists, ", ")))
	}
	return s, nil
}

// listSet holds the lists by the names that rules use.
type listSet struct {
	byName map[string]*list.List
}

func newListSet() *listSet { return &listSet{byName: map[string]*list.List{}} }

func (s *listSet) len() int { return len(s.byName) }

// find finds a list; rules write "etc/lists/NAME".
func (s *listSet) find(name string) (*list.List, bool) {
	for _, prefix := range []string{"etc/lists/", "lists/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name = rest
			break
		}
	}
	l, ok := s.byName[strings.TrimSuffix(name, ".cdb")]
	return l, ok
}

// readLists reads the lists of a source: those that are named, else all.
func (l *loader) readLists(src *Source, set *settings) error {
	names := set.Lists
	if names == nil {
		err := fs.WalkDir(src.FS, listDir, func(p string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return fs.SkipAll
			}
			if err != nil || d.IsDir() {
				return err
			}
			if !strings.HasPrefix(d.Name(), ".") && path.Ext(p) != ".cdb" && path.Ext(p) != ".md" {
				names = append(names, strings.TrimPrefix(p, listDir+"/"))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read folder %s: %w", src.show(listDir), err)
		}
	}
	for _, name := range names {
		file := path.Join(listDir, name)
		data, err := l.read(src, file)
		if err != nil {
			l.problems.Add(Problem{File: src.show(file), Message: fmt.Sprintf("list cannot be read: %v; remove it from %s or add the file", err, settingsFile), Severity: Warning})
			continue
		}
		parsed, mistakes, err := list.Parse(string(data))
		if err != nil {
			return fmt.Errorf("read %s: %w", src.show(file), err)
		}
		for _, m := range mistakes {
			l.problems.Add(Problem{File: src.show(file), Line: m.Line, Message: m.Message, Severity: Warning})
		}
		l.lists.byName[name] = parsed
	}
	return nil
}
