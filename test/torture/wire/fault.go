package wire

import "time"

// Fault is what a proxy does to its connections.
type Fault string

// The faults.
const (
	None         Fault = ""
	Cut          Fault = "cut"            // every connection is closed once; new ones pass
	Refuse       Fault = "down"           // every connection is closed, new ones as well
	HalfOpen     Fault = "half-open"      // connections stay open and nothing passes, also when the fault is over
	Delay        Fault = "delay"          // every piece is late
	ResetInFrame Fault = "reset in frame" // RST after a random number of bytes, again and again
	ByteByByte   Fault = "byte by byte"   // one byte a write
	SlowReader   Fault = "slow reader"    // the target takes a few bytes at a time
	LoseAnswers  Fault = "answers lost"   // what the target says is lost, then the connection is closed
)

// Faults are all there are.
func Faults() []Fault {
	return []Fault{Cut, Refuse, HalfOpen, Delay, ResetInFrame, ByteByByte, SlowReader, LoseAnswers}
}

const (
	delay       = 150 * time.Millisecond // of a piece, under Delay
	slowBytes   = 512                    // a read, under SlowReader
	slowPause   = 20 * time.Millisecond  // after each of them
	resetWithin = 64 << 10               // bytes, under ResetInFrame
)
