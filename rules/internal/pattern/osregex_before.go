package pattern

// byteBits is a set of bytes.
type byteBits [4]uint64

func (s *byteBits) put(c byte)      { s[c/64] |= 1 << (c % 64) }
func (s *byteBits) has(c byte) bool { return s[c/64]&(1<<(c%64)) != 0 }

// before holds, for a place of a machine, which bytes can stand just before it in the text.
type before struct {
	set      byteBits
	anything bool // any byte, or the start of the text
	reached  bool
}

// add widens b and reports whether it grew.
func (b *before) add(o *before) bool {
	was := *b
	b.reached = b.reached || o.reached
	b.anything = b.anything || o.anything
	for i := range b.set {
		b.set[i] |= o.set[i]
	}
	return *b != was
}

// only gives the byte, lower-cased, that always stands there.
func (b *before) only() (byte, bool) {
	found := -1
	for c := range 256 {
		if !b.set.has(byte(c)) {
			continue
		}
		if l := int(lower[c]); found < 0 {
			found = l
		} else if found != l {
			return 0, false
		}
	}
	return byte(max(found, 0)), found >= 0 && !b.anything
}

// maxFollowed bounds the tokens of a machine of which befores are worked out.
const maxFollowed = 500

// befores works out what can stand before each literal token when it is taken. It follows every step that run can take,
// with the flag down and up, until nothing new comes of it.
func (m *machine) befores() []before {
	tokens := m.tokens
	literals := make([]before, len(tokens))
	places := [2][]before{make([]before, len(tokens)), make([]before, len(tokens))} // by flag
	start := before{anything: true, reached: true}
	places[0][0].add(&start)
	places[1][0].add(&start)
	for grew := true; grew; {
		grew = false
		reach := func(flag, pt int, b *before) {
			if pt < len(tokens) && places[flag][pt].add(b) {
				grew = true
			}
		}
		for flag := range 2 {
			for pt := range tokens {
				from := &places[flag][pt]
				if !from.reached {
					continue
				}
				at := pt
				if tokens[at].kind == kindParen {
					at++
				}
				t := &tokens[at]
				switch t.kind {
				case kindEnd:
				case kindClass:
					taken := classBefore(t.class)
					switch t.repeat {
					case 0:
						reach(flag, at+1, &taken)
						continue
					case '+':
						reach(1, at, &taken)
						if flag == 0 {
							continue
						}
					case '*':
						reach(1, at, &taken)
					}
					reach(0, at+1, from) // passed over
					if t.next == kindEnd {
						continue
					}
					// The next token takes over; the machine may come back to this place.
					both := before{reached: true}
					for c := range 256 {
						if taken.set.has(byte(c)) && t.accepts(byte(c)) {
							both.set.put(byte(c))
						}
					}
					after := 1
					if t.next == kindLiteral {
						after = 0
						n := int(t.nextGo) - 1
						literals[n].add(from)
						literals[n].add(&taken)
					}
					reach(after, int(t.nextGo), &both)
					reach(0, at, &both)
					reach(1, at, &both)
				default:
					literals[at].add(from)
					taken := before{reached: true}
					taken.set.put(t.char)
					taken.set.put(upper(t.char))
					reach(flag, at+1, &taken)
				}
			}
		}
	}
	return literals
}

func classBefore(class class) before {
	b := before{reached: true}
	for c := range 256 {
		if classesOf[c]&class != 0 {
			b.set.put(byte(c))
		}
	}
	return b
}

// accepts reports whether the token after a repeated class takes c.
func (t *token) accepts(c byte) bool {
	if t.next == kindLiteral {
		return lower[c] == t.nextChar
	}
	return classesOf[c]&t.nextClass != 0
}
