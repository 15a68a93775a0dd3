package pattern

// firstOther gives the first byte that is no digit in a text that begins with one; ok: there is such a byte.
func firstOther(text string) (c byte, ok bool) {
	i := 0
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	if i == 0 || i == len(text) {
		return 0, false
	}
	return text[i], true
}

// afterDigits says which bytes can follow the digits that a text begins with; nil: any.
func (m *osRegex) afterDigits() *[256]bool {
	set := &[256]bool{}
	for i := range m.alts {
		a := &m.alts[i]
		switch {
		case a.machine != nil && a.machine.start:
			if !a.machine.afterDigits(set) {
				return nil
			}
		case a.machine == nil && (a.literal.place == atStart || a.literal.place == whole):
			if c, ok := firstOther(a.literal.find.text); ok {
				set[c], set[upper(c)] = true, true
			} else if a.literal.find.text == "" || isDigit(a.literal.find.text[0]) {
				return nil
			}
		default:
			return nil
		}
	}
	return set
}

// afterDigits adds what can follow the digits that a text begins with; false: any byte can.
func (m *machine) afterDigits(set *[256]bool) bool {
	for i := range m.tokens {
		t := &m.tokens[i]
		switch t.kind {
		case kindParen:
			if i > 0 && m.tokens[i-1].kind == kindParen { // compared as a character
				return false
			}
		case kindLiteral:
			if isDigit(t.char) {
				continue
			}
			set[t.char], set[upper(t.char)] = true, true
			return true
		case kindClass:
			if t.tail { // a mismatch may pass over it
				return false
			}
			if t.class == classDigit {
				continue
			}
			for c := range 256 {
				switch {
				case classesOf[c]&t.class == 0:
				case isDigit(byte(c)):
					return false
				default:
					set[c] = true
				}
			}
			if t.repeat == 0 || t.repeat == '+' && !m.passable(i) {
				return true
			}
		case kindEnd:
			return false
		}
	}
	return false
}

// passable reports whether the class at index i, repeated once or more, may be passed over without a byte of it: when an
// earlier one has taken a byte and no repeated class stands just before it.
func (m *machine) passable(i int) bool {
	if i > 0 && m.tokens[i-1].kind == kindParen {
		i--
	}
	return i > 0 && m.tokens[i-1].repeat == 0
}

// afterDigits says which bytes can follow the digits that a text begins with, for an anchored program; nil: any.
func (p *program) afterDigits() *[256]bool {
	set := &[256]bool{}
	if !p.anchored || !p.followDigits(p.start, set, make(map[int32]bool)) {
		return nil
	}
	return set
}

// followDigits adds what can follow digits from instruction pc on; false: any byte can, or the match can end.
func (p *program) followDigits(pc int32, set *[256]bool, seen map[int32]bool) bool {
	if seen[pc] {
		return true
	}
	seen[pc] = true
	in := &p.insts[pc]
	var takes [256]bool
	switch in.op {
	case opFail:
		return true
	case opSave, opAssert:
		return p.followDigits(in.next, set, seen)
	case opSplit, opProgress:
		return p.followDigits(in.next, set, seen) && p.followDigits(in.other, set, seen)
	case opByte:
		takes[in.b] = true
	case opFold:
		takes[in.b], takes[upper(in.b)] = true, true
	case opText, opTextFold:
		for _, c := range []byte(p.texts[in.reg]) {
			if isDigit(c) {
				continue
			}
			if set[c] = true; in.op == opTextFold {
				set[upper(c)] = true
			}
			return true
		}
		return p.followDigits(in.next, set, seen)
	case opSet, opRepeat:
		takes = *in.set
	default:
		return false
	}
	digits, others := false, false
	for c, in := range takes {
		if isDigit(byte(c)) {
			digits = digits || in
		} else if in {
			set[c], others = true, true
		}
	}
	if digits && others {
		return false
	}
	if digits || in.op == opRepeat && in.low == 0 {
		return p.followDigits(in.next, set, seen)
	}
	return true
}
