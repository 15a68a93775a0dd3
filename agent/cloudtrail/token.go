package cloudtrail

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// more refills the empty buffer; false at the end.
func (d *Decoder) more() bool {
	d.base += int64(d.w)
	d.r, d.w = 0, 0
	for range 100 {
		if d.err != nil {
			return false
		}
		d.w, d.err = d.src.Read(d.buf)
		if d.w > 0 {
			return true
		}
	}
	d.err = io.ErrNoProgress
	return false
}

// space skips white space and returns the byte after it, unread; false at the end.
func (d *Decoder) space() (byte, bool) {
	for {
		for d.r < d.w {
			c := d.buf[d.r]
			if c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return c, true
			}
			d.r++
		}
		if !d.more() {
			return 0, false
		}
	}
}

// emit keeps bytes of the record, or hashes them if it has become too long to keep.
func (d *Decoder) emit(p []byte) {
	switch {
	case d.discard:
	case !d.over && len(d.rec)+len(p) <= maxRecord:
		d.rec = append(d.rec, p...)
	default:
		if !d.over {
			d.over = true
			d.sum = sha256.New()
			d.sum.Write(d.rec)
			d.rec = append(d.rec, p[:maxRecord-len(d.rec)]...)
		}
		d.sum.Write(p)
	}
}

func (d *Decoder) emitByte(c byte) {
	if !d.discard && !d.over && len(d.rec) < maxRecord {
		d.rec = append(d.rec, c)
		return
	}
	d.emit([]byte{c})
}

// plain are the bytes that need no attention inside a string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// plainRun counts the plain bytes that p begins with, eight at once where it can.
func plainRun(p []byte) int {
	const (
		ones    = 0x0101010101010101
		highs   = 0x80 * ones
		quotes  = '"' * ones
		slashes = '\\' * ones
		spaces  = 0x20 * ones
	)
	n := 0
	for ; n+8 <= len(p); n += 8 {
		w := binary.LittleEndian.Uint64(p[n:])
		// The lowest high bit that is set marks the first byte that is a quote, a backslash or below the space.
		q, b := w^quotes, w^slashes
		if found := ((q-ones)&^q | (b-ones)&^b | (w-spaces)&^w) & highs; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(p) && plain[p[n]] {
		n++
	}
	return n
}

// str reads a string and returns what stands between its quotes, valid until the next call; of a string that is not kept only the
// first 64 bytes.
func (d *Decoder) str() ([]byte, error) {
	d.r++
	d.emitByte('"')
	start := len(d.rec)
	d.small = d.small[:0]
	for {
		if d.r == d.w && !d.more() {
			return nil, d.ended("a string")
		}
		data := d.buf[d.r:d.w]
		n := plainRun(data)
		d.text(data[:n])
		d.r += n
		if n == len(data) {
			continue
		}
		switch c := data[n]; c {
		case '"':
			var text []byte
			if d.discard || d.over {
				text = d.small
			} else {
				text = d.rec[start:]
			}
			d.r++
			d.emitByte('"')
			return text, nil
		case '\\':
			if err := d.escape(); err != nil {
				return nil, err
			}
		default:
			return nil, d.fail(fmt.Sprintf("byte 0x%02x inside a string", c))
		}
	}
}

// text keeps a piece of a string.
func (d *Decoder) text(p []byte) {
	d.emit(p)
	if room := 64 - len(d.small); (d.discard || d.over) && room > 0 {
		d.small = append(d.small, p[:min(room, len(p))]...)
	}
}

// escape reads a backslash and what belongs to it.
func (d *Decoder) escape() error {
	var seq [6]byte
	n, want := 0, 2
	for n < want {
		if d.r == d.w && !d.more() {
			return d.ended("a string")
		}
		c := d.buf[d.r]
		switch {
		case n == 1 && c == 'u':
			want = 6
		case n == 1:
			switch c {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			default:
				return d.fail(fmt.Sprintf("unknown escape \\%c in a string", c))
			}
		case n > 1:
			hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
			if !hex {
				return d.unexpected(c, "four hexadecimal digits in a string")
			}
		}
		seq[n] = c
		n++
		d.r++
	}
	d.text(seq[:n])
	return nil
}

// number reads a number, to the letter.
func (d *Decoder) number() error {
	const (
		sign = iota
		first
		zero
		whole
		point
		fraction
		exponent
		exponentSign
		power
	)
	at := sign
	for {
		var c byte
		ok := d.r < d.w || d.more()
		if ok {
			c = d.buf[d.r]
		}
		digit := c >= '0' && c <= '9'
		next := -1
		switch at {
		case sign, first:
			if at == sign && c == '-' {
				next = first
			} else if c == '0' {
				next = zero
			} else if digit {
				next = whole
			}
		case zero, whole:
			if at == whole && digit {
				next = whole
			} else if c == '.' {
				next = point
			} else if c == 'e' || c == 'E' {
				next = exponent
			}
		case point, fraction:
			if digit {
				next = fraction
			} else if at == fraction && (c == 'e' || c == 'E') {
				next = exponent
			}
		case exponent:
			if c == '+' || c == '-' {
				next = exponentSign
			} else if digit {
				next = power
			}
		case exponentSign, power:
			if digit {
				next = power
			}
		}
		if next < 0 {
			if at == zero || at == whole || at == fraction || at == power {
				return nil
			}
			if !ok {
				return d.ended("a number")
			}
			return d.unexpected(c, "a digit")
		}
		d.emitByte(c)
		d.r++
		at = next
	}
}

// literal reads true, false or null.
func (d *Decoder) literal(want string) error {
	for i := range len(want) {
		if d.r == d.w && !d.more() {
			return d.ended("a value")
		}
		c := d.buf[d.r]
		if c != want[i] {
			return d.unexpected(c, want)
		}
		d.emitByte(c)
		d.r++
	}
	return nil
}
