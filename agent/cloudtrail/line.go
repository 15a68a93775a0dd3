package cloudtrail

import (
	"time"
	"unicode/utf8"
)

// frame is what the lines of one file have in common.
type frame struct {
	head    []byte // up to and with the quote that opens the account id
	account string // that the path names
}

func newFrame(rel string) frame {
	head := []byte(`{"integration":"aws","aws":{"log_info":{"aws_account_alias":"","log_file":`)
	head = appendQuoted(head, rel)
	head = append(head, `,"s3bucket":""},"source":"cloudtrail","aws_account_id":"`...)
	return frame{head: head, account: accountIn(rel)}
}

// length is an upper bound of what appendLine adds.
func (f *frame) length(r *Record) int { return len(f.head) + len(r.Text) + 80 }

// appendLine appends the line that the engine sees: the record's own keys, untouched, behind those that say where it comes from.
func (f *frame) appendLine(dst []byte, r *Record) []byte {
	dst = append(dst, f.head...)
	switch {
	case len(r.RecipientAccountID) > 0:
		dst = append(dst, r.RecipientAccountID...)
	case f.account != "":
		dst = append(dst, f.account...)
	default:
		dst = append(dst, r.UserAccountID...)
	}
	dst = append(dst, '"')
	if len(r.Text) > 2 {
		dst = append(dst, ',')
	}
	dst = append(dst, r.Text[1:]...) // without {, but with its }
	if !r.Cut {
		dst = append(dst, '}')
	}
	return dst
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// parseTime reads an eventTime; false if it is none.
func parseTime(text []byte) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	return t, err == nil && t.Year() >= 1970 && t.Year() < 10000
}
