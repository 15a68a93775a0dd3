package decode

import "armor/rules/internal/problem"

// Link hangs the children under their parents and gives the finished tree.
func (l *Loader) Link(list *problem.List) *Tree {
	t := l.tree
	parents := map[string][]*Decoder{}
	for _, d := range t.all {
		if d.Parent != "" {
			continue
		}
		parents[d.OwnName] = append(parents[d.OwnName], d)
		if d.program != nil {
			t.withProgram = append(t.withProgram, d)
		} else {
			t.withoutProgram = append(t.withoutProgram, d)
		}
	}
	chains := map[[2]string]*Decoder{} // last decoder by parent and name
	for _, d := range t.all {
		if d.Parent == "" {
			continue
		}
		rep := problem.Reporter{List: list, File: d.File}
		subject := "decoder " + d.OwnName
		tops := parents[d.Parent]
		if tops == nil {
			if l.broken[d.Parent] {
				rep.Warnf(d.Line, subject, "is skipped with its parent %q", d.Parent)
				continue
			}
			if _, known := t.ids[d.Parent]; known {
				rep.Errorf(d.Line, subject, "parent %q has a parent itself; only decoders without one can be parents", d.Parent)
			} else {
				rep.Errorf(d.Line, subject, "parent %q is not known; check the name, or load the file that has it", d.Parent)
			}
			continue
		}
		key := [2]string{d.Parent, d.OwnName}
		if earlier := chains[key]; earlier != nil {
			if !d.joins(earlier, &rep, subject) {
				continue
			}
			earlier.hasNext = true
		} else if d.regexOffset == afterRegex {
			if l.broken[d.OwnName] {
				rep.Warnf(d.Line, subject, "is skipped with the first decoder of its name")
				continue
			}
			rep.Errorf(d.Line, subject, "offset after_regex needs an earlier decoder of the same name under %q", d.Parent)
			continue
		}
		chains[key] = d
		for _, top := range tops {
			top.children = append(top.children, d)
		}
	}
	for _, d := range t.all {
		if d.Parent != "" && !d.useOwnName {
			d.Name = d.Parent
			d.ID = t.ids[d.Parent]
		}
	}
	t.buildIndex()
	return t
}

// joins checks that a decoder may continue an earlier one of the same name.
func (d *Decoder) joins(earlier *Decoder, rep *problem.Reporter, subject string) bool {
	switch {
	case d.prematch != nil:
		rep.Errorf(d.Line, subject, "continues the decoder of the same name at %s:%d and may not have a <prematch>; give it another name", earlier.File, earlier.Line)
	case d.FTS != nil:
		rep.Errorf(d.Line, subject, "continues the decoder of the same name at %s:%d and may not have <fts>; move it there", earlier.File, earlier.Line)
	case d.regex == nil && d.plugin == nil, earlier.regex == nil && earlier.plugin == nil:
		rep.Errorf(d.Line, subject, "decoders of one name need a <regex> or <plugin_decoder> each (see %s:%d)", earlier.File, earlier.Line)
	default:
		return true
	}
	return false
}
