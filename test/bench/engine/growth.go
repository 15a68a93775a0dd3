package engine

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"armor/rules/ruleset"
	"armor/rules/selection"
)

// Grown is a ruleset of a size.
type Grown struct {
	Rules  int
	Config selection.Config
}

// Subsets gives parts of a ruleset that have about the wanted numbers of rules: its rule files in the order in which they are
// loaded, as many as it takes. Rules whose parents are missing do not count.
func Subsets(whole selection.Config, sizes []int) ([]Grown, error) {
	rs, err := whole.Load()
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, rule := range rs.Rules() {
		count[path.Base(filepath.ToSlash(rule.File))]++
	}
	var files []string
	for file := range count {
		files = append(files, file)
	}
	slices.Sort(files)
	var out []Grown
	for _, size := range sizes {
		cfg, n := whole, 0
		cfg.Include = nil
		for _, file := range files {
			if n >= size {
				break
			}
			cfg.Include = append(cfg.Include, file)
			n += count[file]
		}
		part, err := cfg.Load()
		if err != nil {
			return nil, fmt.Errorf("loading about %d rules: %w", size, err)
		}
		out = append(out, Grown{Rules: len(part.Rules()), Config: cfg})
	}
	return out, nil
}

// Copies gives Armor's own ruleset and overlays with copies of its rules under other numbers, until there are about as many rules
// as wanted. They are written below dir.
func Copies(dir string, sizes []int) ([]Grown, error) {
	own, err := selection.Config{}.Load()
	if err != nil {
		return nil, err
	}
	var out []Grown
	for _, size := range sizes {
		var cfg selection.Config
		for i := 1; i <= max((size+len(own.Rules())/2)/len(own.Rules())-1, 0); i++ {
			overlay := filepath.Join(dir, "copy-"+strconv.Itoa(i))
			if err := writeCopy(overlay, i); err != nil {
				return nil, fmt.Errorf("copying the rules: %w", err)
			}
			cfg.Overlays = append(cfg.Overlays, overlay)
		}
		rs, err := cfg.Load()
		if err != nil {
			return nil, fmt.Errorf("loading about %d rules: %w", size, err)
		}
		out = append(out, Grown{Rules: len(rs.Rules()), Config: cfg})
	}
	return out, nil
}

// sids are the places of a rule file that name rules.
var sids = regexp.MustCompile(`<rule\s+id="(\d+)"|<(?:if_sid|if_matched_sid)>([\d,\s]+)<`)

var digits = regexp.MustCompile(`\d+`)

// apart is between the numbers of two copies of a rule: Armor's own lie in two ranges that this does not make meet.
const apart = 10_000

// writeCopy writes the i-th copy of Armor's own rules as an overlay.
func writeCopy(overlay string, i int) error {
	if err := os.MkdirAll(filepath.Join(overlay, "rules"), 0o755); err != nil {
		return err
	}
	return fs.WalkDir(ruleset.FS(), "rules", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(ruleset.FS(), name)
		if err != nil {
			return err
		}
		moved := sids.ReplaceAllStringFunc(string(text), func(place string) string {
			return digits.ReplaceAllStringFunc(place, func(id string) string {
				n, err := strconv.Atoi(id)
				if err != nil {
					return id
				}
				return strconv.Itoa(n + i*apart)
			})
		})
		base := strings.TrimSuffix(path.Base(name), ".xml")
		return os.WriteFile(filepath.Join(overlay, "rules", fmt.Sprintf("%s_copy%d.xml", base, i)), []byte(moved), 0o600)
	})
}
