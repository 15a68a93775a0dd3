package match

import "armor/rules/internal/pattern"

// Condition is one test of a rule. All conditions of a rule must hold.
type Condition interface {
	test(x *Context) bool
	// find says what the condition was just tried on, for a Trail; ok is what the test gave.
	find(x *Context, ok bool) Finding
}

// phase is the place of a condition in the order of trial.
type phase uint8

const (
	phaseDecoder phase = iota
	phaseProgram
	phaseID
	phaseSystemName
	phaseProtocol
	phaseMatch
	phaseRegex
	phaseAction
	phaseURL
	phaseLocation
	phaseField
	phaseAddress
	phaseCompiled
	phaseUser
	phaseGeo
	phaseSize
	phaseTime
	phaseWeekday
	phaseData
	phaseExtraData
	phaseHostname
	phaseStatus
	phaseIgnored
	phaseDiff
	phaseFTS
	phaseList
	phaseCorrelation
)

// decodedAs holds when the event's decoder is the named one. Example: <decoded_as>sshd</decoded_as>
type decodedAs struct{ id int32 }

func (c decodedAs) test(x *Context) bool { return x.Event.Decoder.ID == c.id }

// expr holds when a text of the event matches a pattern, or with negate="yes" when it does not. A text that the event
// does not have fails either way. Example: <match negate="yes">^debug</match>
type expr struct {
	phase  phase
	source source
	step
}

func newExpr(phase phase, source source, m pattern.Matcher, negate bool) *expr {
	return &expr{phase: phase, source: source, step: patternStep(source, m, negate)}
}

func (c *expr) test(x *Context) bool { return c.holds(x) }

// user holds when dstuser matches, or srcuser where there is no dstuser. Example: <user>^root$</user>
type user struct {
	m      pattern.Matcher
	negate bool
}

func (c *user) test(x *Context) bool {
	text, ok := x.userName()
	return ok && c.m.Test(text, &x.Event.Scratch) != c.negate
}

// minSize holds when the log is at least so long, in bytes. Example: <rule ... maxsize="1600">
type minSize int

func (c minSize) test(x *Context) bool { return len(x.Event.Log) >= int(c) }
