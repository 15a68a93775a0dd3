package document

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A time of every day of a Timestamp's range is written as time.Time does it.
func TestAppendTimeLikeAppendFormat(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var got, want []byte
	for day := int64(firstSecond); day < lastSecond; day += 86_400 {
		at := time.Unix(day+r.Int64N(86_400), r.Int64N(1e9)).UTC()
		want = at.AppendFormat(want[:0], TimeLayout)
		if got = appendECSTime(got[:0], at); string(got) != string(want) {
			t.Fatalf("%d: %s, want %s", at.Unix(), got, want)
		}
	}
}

// The ends of days and of the range are written too, what is out of it, and times of any zone.
func TestAppendECSTime(t *testing.T) {
	for _, at := range []time.Time{
		{}, time.Unix(firstSecond-1, 999_999_999), time.Unix(lastSecond, 999_999_999), time.Unix(lastSecond+1, 0), time.Unix(1<<40, 5),
		time.Unix(-1<<40, 5), time.Unix(-1, 999_499_999), time.Unix(86_399, 999_999_999), time.Unix(86_400, 0), time.Unix(0, 1_000_000),
		time.Date(2026, 7, 10, 10, 0, 2, 999_999, time.FixedZone("", 3600*5+1800)), time.Date(0, 2, 29, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", -3600)),
	} {
		want := at.UTC().Truncate(time.Millisecond).Format(TimeLayout)
		if got := string(appendECSTime(nil, at)); got != want {
			t.Errorf("%v: %s, want %s", at, got, want)
		}
	}
}
