// Package selection is which ruleset a process runs: Armor's own or a directory's, with overlays, and with rule files chosen by
// name. The same settings load the same ruleset again, so a reload sees what has changed on disk.
package selection

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"armor/rules"
	"armor/rules/ruleset"
	"armor/rules/rulestest"
)

// Config names the parts of a ruleset. The zero value is Armor's own ruleset, whole.
type Config struct {
	// Directory that holds decoders/, rules/ and lists/ (and optionally testing/ and ruleset.yaml); empty: Armor's own ruleset.
	Directory string `yaml:"directory"`
	// Overlays are directories of the same form, loaded after it, in order.
	Overlays []string `yaml:"overlays"`
	// Include, if not empty, loads only the rule files that match one of these globs (against base name and path).
	Include []string `yaml:"include"`
	// Exclude leaves out the rule files that match one of these globs.
	Exclude []string `yaml:"exclude"`
	// SetRuleDecoder replaces the decoder that rules ask for: "60000=json".
	SetRuleDecoder []string `yaml:"set_rule_decoder"`
	// Strict refuses a ruleset with warnings too.
	Strict bool `yaml:"strict"`
	// Dialect is the rule language of the files: wazuh (the default) or ossec.
	Dialect string `yaml:"dialect"`
}

// Validate reports everything that is wrong with the settings themselves; it opens nothing.
func (c Config) Validate() error {
	var errs []error
	for _, list := range []struct {
		name  string
		globs []string
	}{{"include", c.Include}, {"exclude", c.Exclude}} {
		for _, glob := range list.globs {
			if _, err := path.Match(glob, ""); err != nil {
				errs = append(errs, fmt.Errorf("%s: %q is no glob: %w", list.name, glob, err))
			}
		}
	}
	if _, err := c.decoders(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.dialect(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Load reads the ruleset. The error is a *rules.LoadError when files were found wanting.
func (c Config) Load() (*rules.Ruleset, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	decoders, err := c.decoders()
	if err != nil {
		return nil, err
	}
	dialect, err := c.dialect()
	if err != nil {
		return nil, err
	}
	sources, err := c.sources()
	if err != nil {
		return nil, err
	}
	return rules.Load(rules.Options{
		Include: c.Include, Exclude: c.Exclude, SetRuleDecoder: decoders, Strict: c.Strict, Dialect: dialect,
	}, sources...)
}

// Tests reads the tests that stand beside the rules of every source, as they are on disk now. Errors are one for each file that
// cannot be read.
func (c Config) Tests() ([]rulestest.Case, []error) {
	sources, err := c.sources()
	if err != nil {
		return nil, []error{err}
	}
	var cases []rulestest.Case
	var errs []error
	for _, source := range sources {
		more, wrong := rulestest.Beside(source.FS)
		for i := range more {
			if source.Name != "" {
				more[i].File = source.Name + "/" + more[i].File
			}
		}
		cases = append(cases, more...)
		for _, err := range wrong {
			if source.Name != "" {
				err = fmt.Errorf("%s: %w", source.Name, err)
			}
			errs = append(errs, err)
		}
	}
	return cases, errs
}

// Source names where the ruleset comes from, for people.
func (c Config) Source() string {
	names := append([]string{c.Directory}, c.Overlays...)
	if c.Directory == "" {
		names[0] = "built in"
	}
	return strings.Join(names, " + ")
}

// Directories are the folders that the ruleset is read from, to watch for changes; none for the built-in one.
func (c Config) Directories() []string {
	var dirs []string
	for _, dir := range append([]string{c.Directory}, c.Overlays...) {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func (c Config) sources() ([]rules.Source, error) {
	sources := []rules.Source{{FS: ruleset.FS()}}
	if c.Directory != "" {
		tree, err := open(c.Directory)
		if err != nil {
			return nil, err
		}
		sources[0].FS = tree
	}
	for _, dir := range c.Overlays {
		tree, err := open(dir)
		if err != nil {
			return nil, err
		}
		sources = append(sources, rules.Source{Name: filepath.Base(dir), FS: tree})
	}
	return sources, nil
}

// open checks that a directory has the form of a ruleset.
func open(dir string) (fs.FS, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("ruleset: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("ruleset: %s is a file; name the directory that holds decoders/ and rules/", dir)
	}
	for _, folder := range []string{"rules", "decoders", "lists", "testing"} {
		if info, err := os.Stat(filepath.Join(dir, folder)); err == nil && info.IsDir() {
			return os.DirFS(dir), nil
		}
	}
	return nil, fmt.Errorf("ruleset: %s holds neither rules/ nor decoders/; name the directory above them", dir)
}

func (c Config) decoders() (map[int]string, error) {
	if len(c.SetRuleDecoder) == 0 {
		return nil, nil
	}
	set := map[int]string{}
	var errs []error
	for _, text := range c.SetRuleDecoder {
		number, decoder, ok := strings.Cut(text, "=")
		id, err := strconv.Atoi(number)
		if !ok || err != nil || decoder == "" {
			errs = append(errs, fmt.Errorf("set_rule_decoder: %q is not of the form RULE=DECODER, such as 60000=json", text))
			continue
		}
		set[id] = decoder
	}
	return set, errors.Join(errs...)
}

func (c Config) dialect() (rules.Dialect, error) {
	switch c.Dialect {
	case "", "wazuh":
		return rules.Wazuh, nil
	case "ossec":
		return rules.OSSEC, nil
	default:
		return 0, fmt.Errorf("dialect: %q is not known; write wazuh or ossec", c.Dialect)
	}
}
