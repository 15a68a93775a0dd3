package pattern

// plan fills in, for the repeats of a program, which bytes can follow, and for
// the program, how to find where a match can begin.
func (p *program) plan() {
	for i := range p.insts {
		in := &p.insts[i]
		if in.op != opRepeat {
			continue
		}
		var set [256]bool
		if !p.firsts(in.next, &set, make(map[int32]bool)) {
			continue
		}
		in.after = &set
		in.possessive = !in.lazy
		for b := range set {
			if set[b] && in.set[b] {
				in.possessive = false
			}
		}
	}
	p.anchored, p.lineStart = p.begins(p.start, 0)
	var set [256]bool
	if p.firsts(p.start, &set, make(map[int32]bool)) {
		p.first = &set
		var second [256]bool
		if p.seconds(p.start, &second, make(map[int32]bool)) {
			p.pair = pairs(&set, &second)
			p.pivot = p.findPivot()
		}
	}
}

func pairs(first, second *[256]bool) *[256]pairOf {
	of := new([256]pairOf)
	for c := range of {
		if first[c] {
			of[c] |= pairFirst
		}
		if second[c] {
			of[c] |= pairSecond
		}
	}
	return of
}

// seconds adds the bytes that can come behind the first one that the text goes on with at instruction pc. false means
// that this is not known, because a match can end before.
func (p *program) seconds(pc int32, set *[256]bool, seen map[int32]bool) bool {
	if seen[pc] {
		return true
	}
	seen[pc] = true
	behind := func() bool { return p.firsts(p.insts[pc].next, set, make(map[int32]bool)) }
	switch in := &p.insts[pc]; in.op {
	case opFail:
		return true
	case opByte, opFold, opSet:
		return behind()
	case opText:
		set[p.texts[in.reg][1]] = true
		return true
	case opTextFold:
		c := p.texts[in.reg][1]
		set[c], set[upper(c)] = true, true
		return true
	case opRepeat:
		if in.high != 1 {
			merge(set, in.set)
		}
		return (in.low > 1 || behind()) && (in.low > 0 || p.seconds(in.next, set, seen))
	case opSave, opAssert:
		return p.seconds(in.next, set, seen)
	case opSplit, opProgress:
		return p.seconds(in.next, set, seen) && p.seconds(in.other, set, seen)
	}
	return false
}

// firsts adds the bytes that the text can go on with at instruction pc. false
// means that this is not known, because a match can end there.
func (p *program) firsts(pc int32, set *[256]bool, seen map[int32]bool) bool {
	if seen[pc] {
		return true
	}
	seen[pc] = true
	switch in := &p.insts[pc]; in.op {
	case opFail:
		return true
	case opByte:
		set[in.b] = true
	case opFold:
		set[in.b], set[upper(in.b)] = true, true
	case opText:
		set[p.texts[in.reg][0]] = true
	case opTextFold:
		c := p.texts[in.reg][0]
		set[c], set[upper(c)] = true, true
	case opSet:
		merge(set, in.set)
	case opRepeat:
		merge(set, in.set)
		if in.low == 0 {
			return p.firsts(in.next, set, seen)
		}
	case opSave, opAssert: // the byte after a condition must fit all the same
		return p.firsts(in.next, set, seen)
	case opSplit, opProgress:
		return p.firsts(in.next, set, seen) && p.firsts(in.other, set, seen)
	default:
		return false
	}
	return true
}

// begins reports whether every match begins at the start of the text, or at
// the start of a line because it begins with .* (which would have taken the
// bytes before).
func (p *program) begins(pc int32, depth int) (text, line bool) {
	if depth > 100 {
		return false, false
	}
	switch in := &p.insts[pc]; in.op {
	case opSave:
		return p.begins(in.next, depth+1)
	case opAssert:
		return in.assert == assertBegin, in.assert == assertBegin
	case opSplit:
		t1, l1 := p.begins(in.next, depth+1)
		t2, l2 := p.begins(in.other, depth+1)
		return t1 && t2, l1 && l2
	case opRepeat:
		return false, in.low == 0 && in.high < 0 && !in.lazy && takesLine(in.set)
	}
	return false, false
}

// takesLine reports whether set holds every byte except at most the newline.
func takesLine(set *[256]bool) bool {
	for b, in := range set {
		if !in && b != '\n' {
			return false
		}
	}
	return true
}
