package window

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"

	"armor/rules/internal/pattern"
)

// kept is an event as lists keep it: as small as may be, for many are, and each is new memory. Texts that are a part of the log,
// as most fields are, share its bytes.
type kept struct {
	time     int64
	data     string // a span for each text, in the order of spanFull and so on, then the texts
	present  uint32 // static fields
	dynamics int32  // compared dynamic fields
	consumed int8
	category uint8
	// hasDynamic: see Event.HasDynamic.
	hasDynamic bool

	in     []membership  // the lists that keep it, or kept it once
	places [1]membership // of in, while it is short
}

// membership is the place of an event in a list.
type membership struct {
	list *eventList
	seq  int64
}

// The spans of a kept event. Behind them come those of its static fields, by slot, and of the dynamic ones.
const (
	spanFull = iota
	spanLog
	spanAgent
	spanLocation
	numSpans
)

const (
	// spanSize is how many bytes a span takes: where in data the text begins, and its length.
	spanSize = 8
	// absent stands for the begin of a dynamic field that the event does not have.
	absent = math.MaxUint32
	// keptBytes is about how much memory a kept event takes beside its data, its places in lists and indexes with it.
	keptBytes = 256
)

// bytes is about how much memory the event takes.
func (k *kept) bytes() int { return keptBytes + len(k.data) }

// text gives the text of a span.
func (k *kept) text(span int) string {
	begin, length := k.span(span)
	return k.data[begin:][:length]
}

func (k *kept) span(n int) (begin, length uint32) {
	s := k.data[n*spanSize:][:spanSize]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24,
		uint32(s[4]) | uint32(s[5])<<8 | uint32(s[6])<<16 | uint32(s[7])<<24
}

// static gives the static field in a slot, which is present.
func (k *kept) static(slot int) string {
	return k.text(numSpans + bits.OnesCount32(k.present&(1<<slot-1)))
}

// dynamic gives a compared field.
func (k *kept) dynamic(n int) Value {
	if n >= int(k.dynamics) {
		return Value{}
	}
	span := numSpans + bits.OnesCount32(k.present) + n
	if begin, _ := k.span(span); begin == absent {
		return Value{}
	}
	return Value{Text: k.text(span), Set: true}
}

// event fills in e with what was kept and never changes; that is all but Consumed, so that it needs no lock. It shares the texts,
// and what e had of dynamic fields is overwritten.
func (k *kept) event(e *Event) {
	*e = Event{
		Time: k.time, Agent: k.text(spanAgent), Location: k.text(spanLocation), Category: k.category, Log: k.text(spanLog), Full: k.text(spanFull),
		Present: k.present, Dynamic: e.Dynamic[:0], HasDynamic: k.hasDynamic,
	}
	for set := k.present; set != 0; set &= set - 1 {
		slot := bits.TrailingZeros32(set)
		e.Static[slot] = k.static(slot)
	}
	for n := range int(k.dynamics) {
		e.Dynamic = append(e.Dynamic, k.dynamic(n))
	}
}

// consume marks it as used up at a level.
func (k *kept) consume(level int) {
	k.consumed = int8(level)
	for _, m := range k.in {
		m.list.mark(level, m.seq)
	}
}

// maxEventBytes is how large a kept event may be; a larger one is not remembered.
const maxEventBytes = 16 << 20

// maxKeptLog is how much of a log is kept, in bytes.
const maxKeptLog = 64 << 10

// spare is memory for the next copy of an event: the copy itself, and its data.
type spare struct {
	kept *kept
	data []byte
}

// fit makes it fit an event.
func (s *spare) fit(e *Event) {
	if s.kept == nil {
		s.kept = new(kept)
	}
	size := e.dataSize()
	if c := cap(s.data); c < size || c > size+size/4+64 {
		s.data = make([]byte, 0, size)
	}
}

// spans is how many spans the event's copy has.
func (e *Event) spans() int { return numSpans + bits.OnesCount32(e.Present) + len(e.Dynamic) }

// keptFull and keptLog are what is kept of its logs.
func (e *Event) keptFull() string { return e.Full[:min(len(e.Full), maxKeptLog)] }
func (e *Event) keptLog() string  { return e.Log[:min(len(e.Log), maxKeptLog)] }

// dataSize is how many bytes of data a copy takes.
func (e *Event) dataSize() int {
	full := e.keptFull()
	n := e.spans()*spanSize + len(full)
	add := func(text string) {
		if _, ok := pattern.Within(text, full); !ok {
			n += len(text)
		}
	}
	add(e.keptLog())
	add(e.Agent)
	add(e.Location)
	for set := e.Present; set != 0; set &= set - 1 {
		add(e.Static[bits.TrailingZeros32(set)])
	}
	for i := range e.Dynamic {
		add(e.Dynamic[i].Text)
	}
	return n
}

// keep makes a copy with texts of its own, in memory that fits.
func (e *Event) keep(s *spare) *kept {
	k, full, texts := s.kept, e.keptFull(), e.spans()*spanSize
	data := append(s.data[:texts], full...)
	*s = spare{}
	n := 0
	put := func(text string, set bool) {
		begin, ok := pattern.Within(text, full)
		switch begin += texts; {
		case !set:
			begin = absent
		case !ok:
			begin = len(data)
			data = append(data, text...)
		}
		binary.LittleEndian.PutUint64(data[n:], uint64(begin)|uint64(len(text))<<32)
		n += spanSize
	}
	put(full, true)
	put(e.keptLog(), true)
	put(e.Agent, true)
	put(e.Location, true)
	for set := e.Present; set != 0; set &= set - 1 {
		put(e.Static[bits.TrailingZeros32(set)], true)
	}
	for i := range e.Dynamic {
		put(e.Dynamic[i].Text, e.Dynamic[i].Set)
	}
	*k = kept{
		time: e.Time, present: e.Present, dynamics: int32(len(e.Dynamic)), consumed: int8(e.Consumed), category: e.Category, hasDynamic: e.HasDynamic,
		data: unsafe.String(unsafe.SliceData(data), len(data)), // it is not written any more
	}
	k.in = k.places[:0]
	return k
}

// clone makes a copy in memory of its own.
func (e *Event) clone() *kept {
	var s spare
	s.fit(e)
	return e.keep(&s)
}
