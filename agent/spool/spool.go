package spool

// Sizes in bytes.
const (
	DefaultMaxBytes     = 1 << 30
	DefaultSegmentBytes = 16 << 20
	MinSegmentBytes     = 4 << 10
)
