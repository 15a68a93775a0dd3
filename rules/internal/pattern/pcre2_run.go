package pattern

import "strings"

// program is a compiled PCRE2 pattern over bytes. It is run by backtracking
// in the order that Perl's rules ask for; the work is bounded, and whoever
// runs into the bound is to use an engine of linear time.
type program struct {
	insts     []inst
	texts     []string // that instructions take
	start     int32
	groups    int // captures, without the whole
	regs      int
	anchored  bool
	lineStart bool
	first     *[256]bool   // bytes that a match can begin with, if known
	pair      *[256]pairOf // what a byte can be of the first two, if both are known
	pivot     *pivot       // if it has one
	prefix    finder       // folded literal that every match begins with, if hasPrefix
	hasPrefix bool
}

// pairOf says which of the first two bytes of a match a byte can be.
type pairOf uint8

const (
	pairFirst pairOf = 1 << iota
	pairSecond
)

// frame is a choice to come back to, or a register to restore.
type frame struct {
	kind  frameKind
	pc    int // instruction; register of a restore
	pos   int // position; old value of a restore
	bound int // least position to give back to, or furthest to take to
}

type frameKind uint8

const (
	frameChoice  frameKind = iota // go on at pc and pos
	frameRestore                  // set the register back
	frameGive                     // a greedy repeat that can give bytes back
	frameTake                     // a lazy repeat that can take further bytes
)

// outcome of a run.
type outcome uint8

const (
	missed outcome = iota
	found
	exhausted // the bound of work was reached: not known
)

// work is the bound for one search, in steps of about a nanosecond.
func work(length int) int { return 1<<17 + 16*length }

// search looks for the leftmost match. On found, registers 0 and 1 of sc hold
// its bounds and those from 2 on the captures, -1 for unset ones.
func (p *program) search(text string, sc *Scratch) outcome {
	if cap(sc.regs) < p.regs {
		sc.regs = make([]int, p.regs)
	}
	sc.regs = sc.regs[:p.regs]
	budget := work(len(text))
	for at := 0; at <= len(text); at++ {
		if at = p.nextStart(text, at, sc); at < 0 {
			return missed
		}
		if end := p.run(text, at, sc, &budget); end >= 0 {
			sc.regs[0], sc.regs[1] = at, end
			return found
		}
		if budget < 0 {
			return exhausted
		}
		if p.anchored {
			return missed
		}
	}
	return missed
}

// nextStart returns the first position from at on where a match can begin, or
// -1.
func (p *program) nextStart(text string, at int, sc *Scratch) int {
	switch {
	case p.anchored:
	case p.hasPrefix:
		return sc.find(&p.prefix, text, at)
	case p.lineStart:
		if at > 0 && text[at-1] != '\n' {
			at = indexByteFrom(text, at, len(text), '\n') + 1
		}
		if at > len(text) {
			return -1
		}
	case p.pivot != nil:
		return p.pivot.start(text, at)
	case p.pair != nil:
		return p.nextPair(text, at)
	case p.first != nil:
		for at < len(text) && !p.first[text[at]] {
			at++
		}
		if at == len(text) {
			return -1
		}
	}
	return at
}

// nextPair returns the first position from at on of two bytes that a match can begin with, or -1. It looks at every other byte
// first: most can be neither.
func (p *program) nextPair(text string, at int) int {
	pair := p.pair
	for i := at + 1; uint(i) < uint(len(text)); i += 2 {
		of := pair[text[i]]
		if of == 0 {
			continue
		}
		if of&pairSecond != 0 && pair[text[i-1]]&pairFirst != 0 {
			return i - 1
		}
		if of&pairFirst != 0 && i+1 < len(text) && pair[text[i+1]]&pairSecond != 0 {
			return i
		}
	}
	return -1
}

// run tries to match at position pos and returns the end, or -1.
func (p *program) run(text string, pos int, sc *Scratch, budget *int) int {
	regs := sc.regs
	for i := range regs {
		regs[i] = -1
	}
	stack := sc.frames[:0]
	left := *budget
	pc := int(p.start)
	insts := p.insts
	end := -1
loop:
	for {
		in := &insts[pc]
		switch in.op {
		case opByte:
			if pos < len(text) && text[pos] == in.b {
				pos++
				pc = int(in.next)
				continue
			}
		case opFold:
			if pos < len(text) && lower[text[pos]] == in.b {
				pos++
				pc = int(in.next)
				continue
			}
		case opText:
			if want := p.texts[in.reg]; strings.HasPrefix(text[pos:], want) {
				pos += len(want)
				pc = int(in.next)
				continue
			}
		case opTextFold:
			if want := p.texts[in.reg]; hasPrefixFold(text[pos:], want) {
				pos += len(want)
				pc = int(in.next)
				continue
			}
		case opSet:
			if pos < len(text) && in.set[text[pos]] {
				pos++
				pc = int(in.next)
				continue
			}
		case opRepeat:
			limit := len(text)
			if in.high >= 0 && int(in.high) < limit-pos {
				limit = pos + int(in.high)
			}
			least := pos + int(in.low)
			if least > limit {
				break
			}
			if in.lazy {
				if span(text, pos, least, in.set) < least {
					break
				}
				stack = append(stack, frame{frameTake, pc, least, limit})
				pos, pc = least, int(in.next)
				continue
			}
			most := span(text, pos, limit, in.set)
			left -= (most - pos) >> 3
			if most < least {
				break
			}
			if most > least && !in.possessive {
				stack = append(stack, frame{frameGive, pc, most, least})
			}
			pos, pc = most, int(in.next)
			continue
		case opSplit:
			stack = append(stack, frame{frameChoice, int(in.other), pos, 0})
			pc = int(in.next)
			continue
		case opSave:
			stack = append(stack, frame{frameRestore, int(in.reg), regs[in.reg], 0})
			regs[in.reg] = pos
			pc = int(in.next)
			continue
		case opProgress:
			if pc = int(in.next); regs[in.reg] == pos {
				pc = int(in.other)
			}
			continue
		case opAssert:
			if in.assert.holds(text, pos) {
				pc = int(in.next)
				continue
			}
		case opMatch:
			end = pos
			break loop
		}

		// Go back to the newest choice.
		for {
			if left--; len(stack) == 0 || left < 0 {
				break loop
			}
			f := &stack[len(stack)-1]
			switch f.kind {
			case frameRestore:
				regs[f.pc] = f.pos
			case frameChoice:
				pc, pos = f.pc, f.pos
				stack = stack[:len(stack)-1]
				continue loop
			default:
				at := f.pos
				in := &insts[f.pc]
				if f.kind == frameGive {
					at = in.less(text, at, f.bound)
					left -= (f.pos - at) >> 2
				} else {
					at = in.more(text, at, f.bound)
					left -= max(at-f.pos, 0) >> 2 // at is -1 when it cannot take more
				}
				if at >= 0 {
					f.pos = at
					pos, pc = at, int(in.next)
					continue loop
				}
			}
			stack = stack[:len(stack)-1]
		}
	}
	sc.frames = stack[:0]
	*budget = left
	return end
}

// span returns the index after the bytes of set from pos on, at most limit.
func span(text string, pos, limit int, set *[256]bool) int {
	for pos < limit && set[text[pos]] {
		pos++
	}
	return pos
}

// less returns the next position before pos, not below bound, at which what
// follows the repeat may match; -1 if there is none.
func (in *inst) less(text string, pos, bound int) int {
	for pos--; pos >= bound; pos-- {
		if in.after == nil || in.after[text[pos]] {
			return pos
		}
	}
	return -1
}

// more returns the next position after pos, not beyond bound, at which what
// follows the repeat may match; -1 if there is none.
func (in *inst) more(text string, pos, bound int) int {
	for pos < bound && in.set[text[pos]] {
		pos++
		if in.after == nil || pos < len(text) && in.after[text[pos]] {
			return pos
		}
	}
	return -1
}

// holds reports whether the condition is met at position pos.
func (a assertion) holds(text string, pos int) bool {
	switch a {
	case assertBegin:
		return pos == 0
	case assertEnd:
		return pos == len(text)
	case assertDollar:
		return pos == len(text) || pos == len(text)-1 && text[pos] == '\n'
	case assertBeginLine:
		return pos == 0 || pos < len(text) && text[pos-1] == '\n'
	case assertEndLine:
		return pos == len(text) || text[pos] == '\n'
	}
	before := pos > 0 && wordByte(text[pos-1])
	after := pos < len(text) && wordByte(text[pos])
	return (before != after) == (a == assertWord)
}

func wordByte(c byte) bool {
	return isDigit(c) || c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
