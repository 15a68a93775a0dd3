package pattern

// pivot is a byte that every match of a program has behind its first bytes, which are told by it: one of lead, one or more of run,
// then the pivot, then one of after. Run has neither the pivot nor a byte of lead. Where the first bytes are common and the pivot
// is not, looking for it is quicker than looking for them.
//
//	\s\d+:\d+:\d+\s
type pivot struct {
	byte
	lead, run, after *[256]bool
}

// findPivot gives the program's pivot; nil: it has none.
func (p *program) findPivot() *pivot {
	pc := p.start
	next := func() *inst {
		for p.insts[pc].op == opSave {
			pc = p.insts[pc].next
		}
		in := &p.insts[pc]
		pc = in.next
		return in
	}
	lead := next()
	if lead.op != opSet {
		return nil
	}
	run := next()
	if run.op != opRepeat || run.low != 1 || run.high >= 0 {
		return nil
	}
	in := next()
	if in.op != opByte || run.set[in.b] {
		return nil
	}
	for c := range run.set {
		if run.set[c] && lead.set[c] {
			return nil
		}
	}
	after := new([256]bool)
	if !p.firsts(pc, after, make(map[int32]bool)) {
		return nil
	}
	return &pivot{byte: in.b, lead: lead.set, run: run.set, after: after}
}

// start returns the first position from at on where a match can begin, or -1.
func (v *pivot) start(text string, at int) int {
	for i := at + 2; i < len(text)-1; i++ {
		if i = indexByteFrom(text, i, len(text)-1, v.byte); i == len(text)-1 {
			break
		}
		if !v.after[text[i+1]] {
			continue
		}
		begin := i - 1
		for begin > at && v.run[text[begin]] {
			begin--
		}
		if begin < i-1 && v.lead[text[begin]] {
			return begin
		}
	}
	return -1
}
