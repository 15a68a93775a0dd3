package pattern

// mark is a place to come back to: a token and a byte.
type mark struct{ token, pos int }

// maxSaved is how many hand-overs the machine remembers; later ones are taken
// for good.
const maxSaved = 4

// unset is the end position after a restart, when nothing was taken yet: a
// machine that then gets through has found nothing.
const unset = -2

// maxRework bounds the bytes that one run may look at again after going back.
// No line of ordinary size comes near it; it stops hostile ones.
const maxRework = 1 << 24

// machine is one alternative of an OS_Regex pattern as a token machine.
//
// A repeated class takes bytes until the token after it accepts one; then that
// token takes over and the place is saved. On a mismatch the machine goes back
// to the newest saved place and past its byte, or, with none left, starts anew
// one byte after the restart position. Besides these places its state is one
// flag: a repeated class has taken a byte since the flag was last cleared. The
// reference's quirks follow from that flag outliving the class that set it.
type machine struct {
	// What every run looks at comes first, to lie together in memory.
	tokens     []token
	stops      []stop
	slots      int16
	start, end bool   // anchored
	first      seek   // how to find a start position
	known      uint16 // of a start position that was found: how many tokens take a byte each there
	needs      bool   // need is to be looked for
	leading    uint8
	singles    uint8             // not anchored: how many tokens stand before lead
	begin      [maxLead]leadByte // anchored: the first bytes, as many as leading says

	lead finder // not anchored: literal text at the start, or behind singles there, to search for
	need finder // for must, where lead does not say it already
	head string // anchored: literal text at the start, if begin does not say it all
	must string // a literal that must occur, lower-cased; empty: none is known
}

// way is what a run remembers of its way. It lies in memory together, so that the rest of the state has the registers.
type way struct {
	saved   [maxSaved]mark
	depth   int // of saved
	restart int // position to start anew behind; -1: none
	spent   int // bytes read again
	end     int // position of the last byte taken, or unset
	slots   []int
}

// begin takes, at the start position st, the bytes that are known to be taken there. It gives the token and the position to go
// on with.
func (w *way) begin(st, known int) (int, int) {
	if known > 0 {
		w.restart, w.end = st, st+known-1
	}
	return known, st + known
}

// run matches text, in which no match begins before from. slots receives the noted positions and must have
// m.slots entries. spent is how much was read again; over maxRework the run
// was given up.
func (m *machine) run(text string, from int, slots []int, sc *Scratch) (end int, ok bool, spent int) {
	for i := range slots {
		slots[i] = -1
	}
	way := way{restart: -1, slots: slots}
	tokens := m.tokens
	st := m.nextStart(text, from, sc)
	if st < 0 {
		return 0, false, 0
	} else if st > 0 {
		way.end = unset
	}
	pt, st := way.begin(st, int(m.known))
	flag := false
	for st < len(text) {
		c := text[st]
		t := &tokens[pt]
		if t.kind == kindParen {
			way.slots[t.slot] = st
			pt++
			t = &tokens[pt]
		}
		switch t.kind {
		case kindEnd:
			if !m.end {
				return way.end, way.end != unset, way.spent
			}
		case kindClass:
			if classesOf[c]&t.class != 0 {
				if t.repeat == 0 {
					if way.restart < 0 {
						way.restart = st
					}
					pt, st = takeSingles(tokens, pt, text, st)
					way.end = st - 1
					continue
				}
				if t.repeat == '+' && !flag {
					flag = true
					way.end = st
					st++
					if st == len(text) {
						if next := &tokens[pt+1]; next.kind == kindParen {
							way.slots[next.slot] = st
						}
						continue
					}
					if classesOf[text[st]]&t.class == 0 {
						continue
					}
				}
				flag = true
				from := st
				if t.class == classAny && t.next != kindClass {
					st = t.rest(text, st)
				} else if stop := &m.stops[t.slot]; stop.few {
					st = stop.index(text, st)
				} else {
					for st < len(text) && !stop.set.has(text[st]) {
						st++
					}
				}
				if t.next == kindEnd {
					if t.nextSlot >= 0 {
						way.slots[t.nextSlot] = st - 1
						if st == len(text) {
							way.slots[t.nextSlot] = st
						}
					}
					continue
				}
				if st > from {
					way.end = st - 1
				}
				if st == len(text) || classesOf[text[st]]&t.class == 0 {
					continue
				}
				if t.next == kindLiteral {
					flag = false
				}
				if t.nextSlot >= 0 {
					way.slots[t.nextSlot] = st
				}
				if way.depth < maxSaved {
					way.saved[way.depth] = mark{pt, st}
					way.depth++
				}
				// The next token takes over; those behind it that take one byte go on with it at once.
				after := st + 1
				pt, st = takeSingles(tokens, int(t.nextGo)-1, text, st)
				if st > after && way.restart < 0 {
					way.restart = after
				}
				way.end = st - 1
				continue
			}
			if t.tail && flag && way.end != unset {
				way.end = st
				if !m.end {
					return way.end, true, way.spent
				}
			} else if t.repeat == '+' && flag {
				pt++
				flag = false
				continue
			} else if t.repeat == '*' {
				pt++
				way.end = st - 1
				flag = false
				continue
			}
			flag = false
		default:
			if lower[c] == t.char {
				if way.restart < 0 {
					way.restart = st
				}
				pt, st = takeSingles(tokens, pt, text, st)
				way.end = st - 1
				continue
			}
		}

		// Mismatch.
		here, known := st, 0
		if way.depth > 0 {
			way.depth--
			pt, st = way.saved[way.depth].token, way.saved[way.depth].pos+1
		} else if m.start {
			return 0, false, way.spent
		} else {
			if way.restart >= 0 {
				st = way.restart
				way.restart = -1
			}
			pt, way.end = 0, unset
			st++
			if !flag {
				if st = m.nextStart(text, st, sc); st < 0 {
					return 0, false, way.spent
				}
				known = int(m.known)
			}
		}
		if st < here {
			if way.spent += here - st; way.spent > maxRework {
				return 0, false, way.spent
			}
		}
		if known > 0 {
			pt, st = way.begin(st, known)
		}
	}
	if !m.accepts(pt, flag, len(text), slots) {
		return 0, false, way.spent
	}
	return way.end, way.end != unset, way.spent
}

// takeSingles takes the byte at st with the token pt, which accepts it, and goes on as long as bytes are accepted by
// tokens that take one.
func takeSingles(tokens []token, pt int, text string, st int) (int, int) {
	for {
		pt++
		st++
		if st == len(text) {
			return pt, st
		}
		t, c := &tokens[pt], text[st]
		if t.kind == kindLiteral && lower[c] == t.char || t.kind == kindClass && t.repeat == 0 && classesOf[c]&t.class != 0 {
			continue
		}
		return pt, st
	}
}

// rest returns the index of the first byte at or after st at which a class of all bytes stops.
func (t *token) rest(text string, st int) int {
	if t.next == kindEnd {
		return len(text)
	}
	return indexFold(text, st, t.nextChar)
}

// accepts decides at the end of the text, length bytes long, whether the
// tokens from pt on may be left untaken.
func (m *machine) accepts(pt int, flag bool, length int, slots []int) bool {
	tokens := m.tokens
	if m.slots > 0 {
		for tokens[pt].kind == kindClass && tokens[pt].repeat == '*' {
			pt++
		}
		if tokens[pt].kind == kindParen {
			slots[tokens[pt].slot] = length
		}
	}
	atEnd := func() bool {
		if tokens[pt].kind == kindParen {
			pt++
		}
		return tokens[pt].kind == kindEnd
	}
	if atEnd() {
		return true
	}
	if t := &tokens[pt]; t.kind == kindClass && flag {
		pt++
		if t.repeat != 0 {
			if atEnd() {
				return true
			}
			if t = &tokens[pt]; t.kind == kindClass {
				switch t.repeat {
				case '+':
					return false
				case '*':
					pt++
					if atEnd() {
						return true
					}
				default:
					pt++
				}
			}
		}
	}
	if t := &tokens[pt]; t.kind == kindClass && t.repeat == '*' {
		pt++
		return atEnd()
	}
	return false
}
