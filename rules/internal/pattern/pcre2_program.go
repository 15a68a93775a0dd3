package pattern

import (
	"fmt"
	"regexp/syntax"
)

// opcode is one kind of instruction of a program.
type opcode uint8

const (
	opMatch    opcode = iota
	opByte            // take b
	opFold            // take a byte whose lower case is b
	opText            // take the bytes of a text
	opTextFold        // take bytes whose lower case is a text
	opSet             // take a byte of set
	opRepeat          // take low to high bytes of set, as many or as few as do
	opSplit           // go on at next; if that fails, at other
	opSave            // note the position in register reg
	opProgress        // go on at next, or at other if nothing was taken since reg was noted
	opAssert          // go on if assert holds here
	opFail
)

// assertion is a condition that takes no byte.
type assertion uint8

const (
	assertBegin     assertion = iota // start of the text
	assertEnd                        // end of the text
	assertDollar                     // end of the text, or before a newline there
	assertBeginLine                  // start of the text, or after a newline that is not its end
	assertEndLine                    // end of the text or before a newline
	assertWord
	assertNotWord
)

// inst is one instruction. It is small, since a run touches many.
type inst struct {
	op         opcode
	assert     assertion
	b          byte
	lazy       bool // opRepeat
	possessive bool // opRepeat: what follows cannot begin with a byte of set
	next       int32
	other      int32
	reg        int32 // opText, opTextFold: index of the text
	low, high  int32 // opRepeat; high < 0: no bound
	set        *[256]bool
	after      *[256]bool // opRepeat: the bytes that can follow, if known
}

const maxProgram = 20000 // instructions

// compiler turns a syntax tree into a program, back to front: each node is
// compiled with the instruction that follows it.
type compiler struct {
	insts []inst
	texts []string
	regs  int32 // registers in use: captures first
}

func (c *compiler) add(in inst) int32 {
	c.insts = append(c.insts, in)
	return int32(len(c.insts) - 1)
}

// compile returns the first instruction of re with next after it.
func (c *compiler) compile(re *syntax.Regexp, next int32) (int32, error) {
	if len(c.insts) > maxProgram {
		return 0, fmt.Errorf("the pattern is too large: its repeats come to more than %d steps", maxProgram)
	}
	if set, ok := byteSet(re); ok && re.Op != syntax.OpLiteral {
		return c.add(inst{op: opSet, set: set, next: next}), nil
	}
	switch re.Op {
	case syntax.OpNoMatch, syntax.OpCharClass:
		return c.add(inst{op: opFail}), nil
	case syntax.OpEmptyMatch:
		return next, nil
	case syntax.OpLiteral:
		return c.literal(re.Rune, re.Flags&syntax.FoldCase != 0, next), nil
	case syntax.OpCapture:
		end := c.add(inst{op: opSave, reg: int32(2*re.Cap + 1), next: next})
		body, err := c.compile(re.Sub[0], end)
		return c.add(inst{op: opSave, reg: int32(2 * re.Cap), next: body}), err
	case syntax.OpConcat:
		for i := len(re.Sub) - 1; i >= 0; i-- {
			var err error
			if next, err = c.compile(re.Sub[i], next); err != nil {
				return 0, err
			}
		}
		return next, nil
	case syntax.OpAlternate:
		return c.alternate(re.Sub, next)
	case syntax.OpStar:
		return c.repeat(re, re.Sub[0], 0, -1, next)
	case syntax.OpPlus:
		return c.repeat(re, re.Sub[0], 1, -1, next)
	case syntax.OpQuest:
		return c.repeat(re, re.Sub[0], 0, 1, next)
	case syntax.OpRepeat:
		return c.repeat(re, re.Sub[0], re.Min, re.Max, next)
	}
	kind, ok := assertionOf(re)
	if !ok {
		return 0, fmt.Errorf("unknown node %v", re.Op)
	}
	return c.add(inst{op: opAssert, assert: kind, next: next}), nil
}

func assertionOf(re *syntax.Regexp) (assertion, bool) {
	switch re.Op {
	case syntax.OpBeginText:
		return assertBegin, true
	case syntax.OpBeginLine:
		return assertBeginLine, true
	case syntax.OpEndLine:
		return assertEndLine, true
	case syntax.OpEndText:
		if re.Flags&syntax.WasDollar != 0 {
			return assertDollar, true
		}
		return assertEnd, true
	case syntax.OpWordBoundary:
		return assertWord, true
	case syntax.OpNoWordBoundary:
		return assertNotWord, true
	}
	return 0, false
}

// literal compiles neighbouring characters.
func (c *compiler) literal(list []rune, fold bool, next int32) int32 {
	text := make([]byte, len(list))
	for i, r := range list {
		if r > 0xff {
			return c.add(inst{op: opFail})
		}
		if text[i] = byte(r); fold {
			text[i] = lower[byte(r)]
		}
	}
	fold = fold && hasLetter(text)
	in := inst{next: next}
	switch {
	case len(text) == 0:
		return next
	case len(text) == 1:
		if in.op, in.b = opByte, text[0]; fold {
			in.op = opFold
		}
	default:
		if in.op, in.reg = opText, int32(len(c.texts)); fold {
			in.op = opTextFold
		}
		c.texts = append(c.texts, string(text))
	}
	return c.add(in)
}

func (c *compiler) alternate(subs []*syntax.Regexp, next int32) (int32, error) {
	entry, err := c.compile(subs[len(subs)-1], next)
	for i := len(subs) - 2; i >= 0 && err == nil; i-- {
		var first int32
		first, err = c.compile(subs[i], next)
		entry = c.add(inst{op: opSplit, next: first, other: entry})
	}
	return entry, err
}

// repeat compiles sub repeated low to high times, high < 0 for no bound.
func (c *compiler) repeat(re, sub *syntax.Regexp, low, high int, next int32) (int32, error) {
	lazy := re.Flags&syntax.NonGreedy != 0
	if set, ok := byteSet(sub); ok {
		return c.add(inst{op: opRepeat, set: set, low: int32(low), high: int32(high), lazy: lazy, next: next}), nil
	}
	split := func(in, out int32) inst {
		if lazy {
			in, out = out, in
		}
		return inst{op: opSplit, next: in, other: out}
	}
	entry := next
	var err error
	if high < 0 {
		// The loop: split, body, back to split; a body that took nothing
		// leaves the loop.
		loop := c.add(inst{})
		reg := c.regs
		c.regs++
		back := c.add(inst{op: opProgress, reg: reg, next: loop, other: next})
		var body int32
		if body, err = c.compile(sub, back); err != nil {
			return 0, err
		}
		body = c.add(inst{op: opSave, reg: reg, next: body})
		c.insts[loop] = split(body, next)
		entry = loop
		if low > 0 { // the last of the required ones enters the loop
			entry = body
			low--
		}
	} else {
		for range high - low {
			var body int32
			if body, err = c.compile(sub, entry); err != nil {
				return 0, err
			}
			entry = c.add(split(body, next))
		}
	}
	for range low {
		if entry, err = c.compile(sub, entry); err != nil {
			return 0, err
		}
	}
	return entry, nil
}

// byteSet returns the bytes that re takes, if it takes exactly one.
func byteSet(re *syntax.Regexp) (*[256]bool, bool) {
	var set [256]bool
	switch re.Op {
	case syntax.OpLiteral:
		if len(re.Rune) != 1 || re.Rune[0] > 0xff {
			return nil, false
		}
		b := byte(re.Rune[0])
		set[b] = true
		if re.Flags&syntax.FoldCase != 0 {
			set[lower[b]], set[upper(lower[b])] = true, true
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		for i := range set {
			set[i] = re.Op == syntax.OpAnyChar || i != '\n'
		}
	case syntax.OpCharClass:
		addRanges(&set, re.Rune)
		if set == ([256]bool{}) {
			return nil, false
		}
	default:
		return nil, false
	}
	return &set, true
}
