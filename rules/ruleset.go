package rules

import (
	"cmp"
	"slices"

	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/match"
	"armor/rules/internal/mitre"
)

// Ruleset is a loaded ruleset: decoders, rules and lists, with every name resolved. It does not change and may be
// shared by any number of engines and goroutines.
type Ruleset struct {
	hash     string
	rules    []*Rule // by id
	byIndex  []*Rule // by index in tree
	byID     map[int]*Rule
	decoders *decode.Tree
	tree     *match.Tree
	keys     []string
	symbols  *fields.Symbols
	lists    int
	problems []Problem
	files    []string
	notes    []string
}

// Hash is SHA-256 over the options and all loaded files, in hex: equal hashes mean equal behaviour.
func (rs *Ruleset) Hash() string { return rs.hash }

// Rules gives all rules, sorted by id.
func (rs *Ruleset) Rules() []*Rule { return rs.rules }

// Rule finds a rule by its id.
func (rs *Ruleset) Rule(id int) (*Rule, bool) {
	r, ok := rs.byID[id]
	return r, ok
}

// DecoderCount is the number of decoders.
func (rs *Ruleset) DecoderCount() int { return rs.decoders.Len() }

// ListCount is the number of lists.
func (rs *Ruleset) ListCount() int { return rs.lists }

// Problems gives the loader's warnings, sorted by file and line.
func (rs *Ruleset) Problems() []Problem { return rs.problems }

// Files names the files that were loaded, in order.
func (rs *Ruleset) Files() []string { return rs.files }

// Notes says which defaults were taken because a source has no ruleset.yaml.
func (rs *Ruleset) Notes() []string { return rs.notes }

// mailLevel is the level from which alerts ask for mail.
const mailLevel = 12

// publish makes the rules as callers see them.
func (rs *Ruleset) publish() {
	techniques := mitre.Read()
	for _, m := range rs.tree.Rules() {
		r := &Rule{
			ID:          m.ID,
			Level:       int(m.Level),
			Description: m.Description,
			Info:        m.Meta.Info,
			CVE:         m.Meta.CVE,
			Groups:      m.Meta.Groups,
			Frequency:   m.Meta.Frequency,
			Timeframe:   m.Meta.Timeframe,
			Ignore:      int(m.IgnorePeriod),
			Mail:        m.Meta.EmailAlert || m.Level >= mailLevel && !m.Meta.NoEmail,
			NoAlert:     m.NoAlert,
			NoFullLog:   m.Meta.NoFullLog,
			NoLog:       m.NoLog,
			File:        m.Meta.File,
			Line:        m.Meta.Line,
			XML:         m.Meta.XML,
		}
		for _, c := range m.Meta.Compliance {
			r.Compliance = append(r.Compliance, Compliance(c))
		}
		for _, id := range m.Meta.Mitre {
			t := techniques[id]
			r.Mitre = append(r.Mitre, Mitre{ID: id, Tactics: t.Tactics, Technique: t.Name})
		}
		r.Parents = slices.Clone(m.Parents())
		slices.Sort(r.Parents)
		r.Parents = slices.Compact(r.Parents)
		rs.byIndex = append(rs.byIndex, r)
		rs.byID[r.ID] = r
	}
	rs.rules = slices.Clone(rs.byIndex)
	slices.SortFunc(rs.rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	for i, r := range rs.rules {
		r.Index = i
	}
}
