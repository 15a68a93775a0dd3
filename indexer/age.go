package indexer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Age is a span of time in a configuration: a number with d (days), w (weeks) or y (365 days), or a Go duration such as 36h.
type Age time.Duration

// day is the unit that Go's durations lack.
const day = 24 * time.Hour

// UnmarshalText reads an age.
func (a *Age) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "" || s == "0" {
		*a = 0
		return nil
	}
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day, "y": 365 * day} {
		number, ok := strings.CutSuffix(s, suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n > uint64(200*365*day/unit) {
			return fmt.Errorf("%q is not an age: write a number of days, such as 90d, or 12w, 1y, 36h", s)
		}
		*a = Age(time.Duration(n) * unit)
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not an age: write a number of days, such as 90d, or 12w, 1y, 36h", s)
	}
	*a = Age(d)
	return nil
}

// String prints the age, in days where it is whole ones.
func (a Age) String() string {
	if d := time.Duration(a); d%day != 0 || d == 0 {
		return d.String()
	}
	return strconv.FormatInt(int64(time.Duration(a)/day), 10) + "d"
}
