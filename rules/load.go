package rules

import (
	"errors"
	"fmt"

	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/match"
	"armor/rules/internal/problem"
	"armor/rules/internal/xmldoc"
)

// Load reads a ruleset from its sources, in order, and checks all of it. The error is a *LoadError with every finding
// when any has severity Error (with Options.Strict: when there is any finding at all); the ruleset is then nil.
//
// Decoders load first, then rules, each in order of the sources and of the file names, those of testing/ folders last.
func Load(opts Options, sources ...Source) (*Ruleset, error) {
	if len(sources) == 0 {
		return nil, errors.New("load ruleset: no source given")
	}
	l := loader{opts: opts, symbols: fields.NewSymbols(), hash: newHash(opts)}
	if err := l.collect(sources); err != nil {
		return nil, fmt.Errorf("load ruleset: %w", err)
	}
	rs := l.build()
	problems := l.problems.All()
	if l.problems.Errors() > 0 || opts.Strict && len(problems) > 0 {
		return nil, &LoadError{Problems: problems}
	}
	rs.problems = problems
	return rs, nil
}

// loader holds what is read on the way to a Ruleset.
type loader struct {
	opts     Options
	symbols  *fields.Symbols
	problems problem.List
	hash     *hasher
	decoders []*document
	rules    []*document
	lists    *listSet
	files    []string
	notes    []string
}

// document is one XML file.
type document struct {
	name  string
	text  string
	roots []*xmldoc.Element
}

func (l *loader) build() *Ruleset {
	dl := decode.NewLoader(l.symbols)
	for _, doc := range l.decoders {
		dl.File(doc.roots, &problem.Reporter{List: &l.problems, File: doc.name})
	}
	decoders := dl.Link(&l.problems)
	rl := match.NewLoader(match.Options{
		Symbols:    l.symbols,
		Decoders:   decoders,
		Lists:      l.lists.find,
		OSSEC:      l.opts.Dialect == OSSEC,
		SetDecoder: l.opts.SetRuleDecoder,
	})
	for _, doc := range l.rules {
		rl.File(doc.roots, doc.text, &problem.Reporter{List: &l.problems, File: doc.name})
	}
	tree, keys := rl.Finish()
	for id := range l.opts.SetRuleDecoder {
		if _, ok := tree.ByID(id); !ok {
			l.problems.Add(Problem{File: "options", Message: fmt.Sprintf("decoder set for rule %d, which is not known", id)})
		}
	}
	rs := &Ruleset{
		hash:     l.hash.sum(),
		byID:     make(map[int]*Rule, len(tree.Rules())),
		decoders: decoders,
		tree:     tree,
		keys:     keys,
		symbols:  l.symbols,
		lists:    l.lists.len(),
		files:    l.files,
		notes:    l.notes,
	}
	rs.publish()
	return rs
}
