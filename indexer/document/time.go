package document

import (
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// TimeLayout is that of @timestamp and the ECS times, always UTC and milliseconds. `timestamp` has +0000 in place of the Z, as
// people know it from Wazuh.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// Time is the time of an alert's event, cut to milliseconds: where it is missing or not a time, the time of detection,
// then of reading, then 1970. It depends on the alert alone, so the same alert always has the same time.
func Time(a *armorv1.Alert) time.Time {
	return happened(a).AsTime().Truncate(time.Millisecond)
}

// happened is Time, not cut. It is valid, or nil, which reads as 1970.
func happened(a *armorv1.Alert) *timestamppb.Timestamp {
	switch {
	case a.GetTime().IsValid():
		return a.GetTime()
	case a.GetDetectedTime().IsValid():
		return a.GetDetectedTime()
	case a.GetReadTime().IsValid():
		return a.GetReadTime()
	}
	return nil
}

// The range that appendTime takes, in seconds since 1970; that of a valid Timestamp.
const (
	firstSecond = -62135596800 // 0001-01-01T00:00:00Z
	lastSecond  = 253402300799 // 9999-12-31T23:59:59Z
)

// appendTime appends a time in UTC up to its milliseconds: what both kinds have in common.
func appendTime(dst []byte, seconds int64, nanos int) []byte {
	const perDay = 24 * 60 * 60
	since := uint64(seconds - firstSecond)
	year, month, day := date(uint32(since / perDay))
	second := uint32(since % perDay)
	minute := second / 60
	hour := minute / 60
	milli := uint32(nanos) / 1e6
	dst = appendPairs(dst, "0000-00-", 0x0f_00_00_0f_00_0f, uint64(year/100)|uint64(year%100)<<16|uint64(month)<<40)
	dst = append(dst, digit(day/10), digit(day), 'T')
	dst = appendPairs(dst, "00:00:00", 0x0f_00_00_0f_00_00_0f, uint64(hour)|uint64(minute%60)<<24|uint64(second%60)<<48)
	return append(dst, '.', digit(milli/100), digit(milli/10), digit(milli))
}

// digit is the last decimal digit of a number.
func digit(n uint32) byte { return byte('0' + n%10) }

// appendPairs appends a text of eight bytes with numbers below 100 added to its zeros. Each number stands in the byte of its first
// digit, and so do the low bits of the mask.
func appendPairs(dst []byte, text string, mask, numbers uint64) []byte {
	tens := numbers * 103 >> 10 & mask // 103/1024 is near enough to a tenth
	return binary.LittleEndian.AppendUint64(dst, word(text, 0)+tens+(numbers-10*tens)<<8)
}

// date is the date of a day since 0001-01-01, by the proleptic Gregorian calendar.
func date(days uint32) (year, month, day uint32) {
	// Years begin in March here, so that the leap day is the last one of the last year of four, and of four hundred.
	const (
		toMarch    = 306 // from 0000-03-01 to 0001-01-01
		in400, in4 = 146097, 1461
	)
	quarters := (days+toMarch)*4 + 3
	century := quarters / in400
	quarters = quarters%in400 | 3
	yearOf := quarters / in4
	dayOf := quarters % in4 / 4
	// (153 m + 2) / 5 days are before month m of a year that begins in March.
	month = (5*dayOf + 2) / 153
	day = dayOf - (153*month+2)/5 + 1
	year = century*100 + yearOf
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// appendStamp appends a timestamp that is valid, or nil.
func appendStamp(dst []byte, t *timestamppb.Timestamp) []byte {
	return appendTime(dst, t.GetSeconds(), int(t.GetNanos()))
}

// appendECSTime appends any time in TimeLayout.
func appendECSTime(dst []byte, t time.Time) []byte {
	seconds := t.Unix()
	if seconds < firstSecond || seconds > lastSecond {
		return t.UTC().AppendFormat(dst, TimeLayout)
	}
	return append(appendTime(dst, seconds, t.Nanosecond()), 'Z')
}
