package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// draw makes the random parts of records out of a fixed seed.
type draw struct{ *rand.Rand }

func newDraw(seed uint64) *draw { return &draw{rand.New(rand.NewPCG(seed, seed))} }

// text is n characters out of an alphabet.
func (r *draw) text(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	lowerHex  = "0123456789abcdef"
	upperText = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	anyText   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// uuid is a random UUID, version 4.
func (r *draw) uuid() string {
	return fmt.Sprintf("%s-%s-4%s-%c%s-%s", r.text(8, lowerHex), r.text(4, lowerHex), r.text(3, lowerHex),
		"89ab"[r.IntN(4)], r.text(3, lowerHex), r.text(12, lowerHex))
}

// resource is an id such as i-0a1b2c3d4e5f60718.
func (r *draw) resource(prefix string) string { return prefix + "-0" + r.text(16, lowerHex) }

// accessKey is an access key id that shows that it is an example.
func (r *draw) accessKey(prefix string) string { return prefix + r.text(9, upperText) + "EXAMPLE" }

// unique is the id of a user or a role, marked as an example like the access keys.
func (r *draw) unique(prefix string) string { return prefix + r.text(10, upperText) + "EXAMPLE" }

// within is a time in the span after from, on a full second.
func (r *draw) within(from time.Time, span time.Duration) time.Time {
	return from.Add(time.Duration(r.Int64N(int64(span/time.Second))) * time.Second)
}

// pick is one of the values.
func pick[T any](r *draw, values ...T) T { return values[r.IntN(len(values))] }
