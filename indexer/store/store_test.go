package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		at               string
		month, week, day string
	}{
		{"2026-07-10T23:59:59Z", "2026.07", "2026.w28", "2026.07.10"},
		{"2026-07-11T01:00:00+02:00", "2026.07", "2026.w28", "2026.07.10"},
		{"2024-12-30T00:00:00Z", "2024.12", "2025.w01", "2024.12.30"},
		{"2021-01-03T12:00:00Z", "2021.01", "2020.w53", "2021.01.03"},
		{"1969-12-31T00:00:00Z", "1990.01", "1990.w01", "1990.01.01"},
		{"9999-12-31T23:59:59Z", "2099.12", "2099.w53", "2099.12.31"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		for p, want := range map[Period]string{Month: c.month, Week: c.week, Day: c.day} {
			if got := p.Name(at); got != want {
				t.Errorf("%s of %s: %s, want %s", p, c.at, got, want)
			}
		}
	}
}

// The end of a period is the first moment that has another name.
func TestPeriodEnds(t *testing.T) {
	for _, p := range []Period{Month, Week, Day} {
		for at := time.Date(2019, 12, 25, 5, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.AddDate(0, 0, 1) {
			name := p.Name(at)
			end, ok := p.End(name)
			if !ok || !end.After(at) || p.Name(end) == name || p.Name(end.Add(-1)) != name {
				t.Fatalf("%s %s ends at %v, %v", p, name, end, ok)
			}
			for _, other := range []Period{Month, Week, Day} {
				if _, ok := other.End(name); ok && other != p {
					t.Fatalf("%s is a name of %s and %s", name, p, other)
				}
			}
		}
		for _, bad := range []string{"", "x", "2026", "2026.13", "2026.7", "2026.07.32", "2026.w54", "2026.w1", "2026.w00", "2026.07.1", "2026.07x", "2026.07.10 "} {
			if end, ok := p.End(bad); ok {
				t.Errorf("%q is a %s that ends at %v", bad, p, end)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	err := fmt.Errorf("outer: %w", Permanent("setting %s: %w", "x", errors.ErrUnsupported))
	if !IsPermanent(err) || !errors.Is(err, errors.ErrUnsupported) || IsPermanent(errors.ErrUnsupported) || IsPermanent(nil) {
		t.Error("permanent errors are not told apart")
	}
}
