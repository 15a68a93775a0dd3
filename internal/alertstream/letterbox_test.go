package alertstream

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

func TestLettersAreListedInPages(t *testing.T) {
	c := connected(t)
	large := bytes.Repeat([]byte("0123456789"), deadLetterPart/5) // three parts
	for n := range 1200 {
		reason, data := ReasonRejected, fmt.Appendf(nil, "letter %d", n)
		if n%3 == 1 {
			reason = ReasonPanic
		}
		if n == 600 {
			data = large
		}
		if err := c.DeadLetter(within(t), reason, data, "why\u009b2J\n\x1b[31m"); err != nil {
			t.Fatal(err)
		}
	}
	for reason, want := range map[string]int{"": 1200, ReasonRejected: 800, ReasonPanic: 400, "none": 0} {
		seen, pages := 0, 0
		for f := (LetterFilter{Reason: reason}); ; {
			list, next, total, err := c.ListLetters(within(t), f, 333)
			if err != nil {
				t.Fatal(err)
			}
			if extra := total - uint64(want); pages == 0 && extra > 2 {
				t.Errorf("%q: total %d, want %d and at most two parts", reason, total, want)
			}
			pages++
			for _, l := range list {
				if l.Number < f.From || reason != "" && l.Reason != reason || l.Time.IsZero() || strings.ContainsAny(l.Detail, "\x1b\n\u009b") {
					t.Fatalf("from %d: %+v", f.From, l)
				}
				if l.Size > 100 && l.Size != uint64(len(large)) {
					t.Errorf("%d bytes, want %d", l.Size, len(large))
				}
			}
			seen += len(list)
			if f.From = next; next == 0 {
				break
			}
		}
		if seen != want || want > 0 && pages != (want+332)/333 {
			t.Errorf("%q: %d letters on %d pages, want %d", reason, seen, pages, want)
		}
	}
	for since, want := range map[time.Time]int{
		time.Now().Add(time.Hour): 0, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC): 0,
		time.Now().Add(-time.Hour): 10, time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC): 10,
	} {
		if list, _, _, err := c.ListLetters(within(t), LetterFilter{Since: since}, 10); err != nil || len(list) != want {
			t.Errorf("since %v: %d letters, %v; want %d", since, len(list), err, want)
		}
	}
	if n := consumers(t, c, DeadLetterStream); n != 0 {
		t.Errorf("%d readers were left behind", n)
	}
}

func consumers(t *testing.T, c *Conn, name string) int {
	t.Helper()
	stream, err := c.js.Stream(within(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Consumers
}

func TestLetterIsWholeAndRemoved(t *testing.T) {
	c := connected(t)
	large := bytes.Repeat([]byte("0123456789"), deadLetterPart/4) // three parts
	for _, data := range [][]byte{[]byte("small"), large, []byte("other")} {
		if err := c.DeadLetter(within(t), ReasonRejected, data, "detail"); err != nil {
			t.Fatal(err)
		}
	}
	l, err := c.Letter(within(t), 2)
	if err != nil || !bytes.Equal(l.Data, large) || l.Incomplete || l.Kind() != AlertLetter || l.Size != uint64(len(large)) {
		t.Fatalf("%+v, %v", l, err)
	}
	for _, number := range []uint64{0, 3, 99} { // 3 is a part
		if _, err := c.Letter(within(t), number); !errors.Is(err, ErrNoLetter) {
			t.Errorf("letter %d: %v", number, err)
		}
	}
	for range 2 { // the second time it is gone already
		if err := c.RemoveLetter(within(t), l); err != nil {
			t.Fatal(err)
		}
	}
	if n := messages(t, c, DeadLetterStream); n != 2 {
		t.Errorf("%d messages are left, want 2", n)
	}
	if l, err = c.Letter(within(t), 5); err != nil || string(l.Data) != "other" {
		t.Errorf("%+v, %v", l, err)
	}
}

// A process that ended in the middle of a letter leaves a part of it, which is listed and said to be a part.
func TestIncompleteLetter(t *testing.T) {
	c := connected(t)
	large := bytes.Repeat([]byte("x"), deadLetterPart*2)
	if err := c.DeadLetter(within(t), ReasonRejected, large, ""); err != nil {
		t.Fatal(err)
	}
	stream, err := c.js.Stream(within(t), DeadLetterStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(within(t), 2); err != nil {
		t.Fatal(err)
	}
	list, _, _, err := c.ListLetters(within(t), LetterFilter{}, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	l, err := c.Letter(within(t), list[0].Number)
	if err != nil || !l.Incomplete || len(l.Data) != deadLetterPart {
		t.Errorf("%v, %v", l, err)
	}
}

// The same bytes in another message, as when an alert was published anew, are another letter, however soon they come.
func TestLetterOfAnotherMessageIsAnother(t *testing.T) {
	c := connected(t)
	for _, sequence := range []uint64{7, 7, 8} {
		m := &Message{Data: []byte("same"), Sequence: sequence, Stored: time.Unix(1, 0)}
		if err := c.DeadLetterOf(within(t), m, ReasonRejected, ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := messages(t, c, DeadLetterStream); n != 2 {
		t.Errorf("%d letters, want 2", n)
	}
}

// Whatever stands in a letter's headers, it is read as a letter or as one of its parts, and its text is one harmless line.
func FuzzLetterHeaders(f *testing.F) {
	f.Add("1/3", "786433", "786432", "why")
	f.Add("0/0", "-1", "", "\x1b[2J\u009b\xff")
	f.Add("3/2", "99999999999999999999", "x", "")
	f.Fuzz(func(t *testing.T, part, size, dataSize, detail string) {
		h := nats.Header{HeaderPart: {part}, HeaderSize: {size}, headerDataSize: {dataSize}, HeaderDetail: {detail}}
		letter, n, of := letterOf(deadLetterPrefix+"x", h, 7, time.Unix(0, 0), 3)
		if n < 1 || of < n || letter.Number != 7 || letter.Reason != "x" {
			t.Errorf("part %d of %d: %+v", n, of, letter)
		}
		if strings.ContainsFunc(letter.Detail, unicode.IsControl) || len(letter.Detail) > detailBytes || !utf8.ValidString(letter.Detail) {
			t.Errorf("detail %q", letter.Detail)
		}
	})
}
