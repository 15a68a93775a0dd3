package store

import (
	"fmt"
	"time"
)

// Period is the span of event time that one index or file holds. All are in UTC.
type Period string

const (
	// Month is a calendar month, named 2026.07.
	Month Period = "month"
	// Week is an ISO week from Monday, named 2026.w27.
	Week Period = "week"
	// Day is a calendar day, named 2026.07.01.
	Day Period = "day"
)

// Event times outside these years are kept in the first or last period, so that wrong clocks make no flood of periods.
const (
	firstYear = 1990
	lastYear  = 2099
)

// Valid tells whether the period is one of the three.
func (p Period) Valid() bool { return p == Month || p == Week || p == Day }

// Name is the name of the period that a moment is in.
func (p Period) Name(t time.Time) string {
	t = clamp(t)
	switch p {
	case Week:
		y, w := t.ISOWeek()
		return fmt.Sprintf("%04d.w%02d", y, w)
	case Day:
		return t.Format("2006.01.02")
	}
	return t.Format("2006.01")
}

// End is the first moment after the period of that name; false: the name is not one of this period.
func (p Period) End(name string) (time.Time, bool) {
	var end time.Time
	switch p {
	case Week:
		var y, w int
		if n, err := fmt.Sscanf(name, "%d.w%d", &y, &w); n != 2 || err != nil {
			return end, false
		}
		end = monday(y).AddDate(0, 0, 7*w)
	case Day:
		t, err := time.Parse("2006.01.02", name)
		if err != nil {
			return end, false
		}
		end = t.AddDate(0, 0, 1)
	default:
		t, err := time.Parse("2006.01", name)
		if err != nil {
			return end, false
		}
		end = t.AddDate(0, 1, 0)
	}
	return end, p.Name(end.Add(-1)) == name
}

// monday is the first day of the ISO year.
func monday(year int) time.Time {
	t := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // always in week 1
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
}

func clamp(t time.Time) time.Time {
	t = t.UTC()
	switch {
	case t.Year() < firstYear:
		return time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > lastYear:
		return time.Date(lastYear, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	return t
}
