package cloudtrail

import (
	"time"
	"unicode/utf8"
)

// frame is what the lines of one file have in common.
type frame struct {
	head    []byte // up to the account's alias
	middle  []byte // from there, with the quote that opens the account id
	account string // that the path names
	aliases map[string]string
	room    int // that an alias takes at most
}

// newFrame of a file or object by its path or key; bucket is empty for a file.
func newFrame(rel, bucket string, aliases map[string]string) frame {
	middle := appendQuoted([]byte(`,"log_file":`), rel)
	middle = appendQuoted(append(middle, `,"s3bucket":`...), bucket)
	middle = append(middle, `},"source":"cloudtrail","aws_account_id":"`...)
	f := frame{head: []byte(`{"integration":"aws","aws":{"log_info":{"aws_account_alias":`), middle: middle, account: accountIn(rel), aliases: aliases, room: 2}
	for _, alias := range aliases {
		f.room = max(f.room, 6*len(alias)+2)
	}
	return f
}

// length is an upper bound of what appendLine adds.
func (f *frame) length(r *Record) int {
	return len(f.head) + f.room + len(f.middle) + len(r.Text) + 80
}

// appendLine appends the line that the engine sees: the record's own keys, untouched, behind those that say where it comes from.
func (f *frame) appendLine(dst []byte, r *Record) []byte {
	account := r.UserAccountID
	if len(r.RecipientAccountID) > 0 {
		account = r.RecipientAccountID
	}
	dst = append(dst, f.head...)
	if len(r.RecipientAccountID) == 0 && f.account != "" {
		dst = appendQuoted(dst, f.aliases[f.account])
		dst = append(append(dst, f.middle...), f.account...)
	} else {
		dst = appendQuoted(dst, f.aliases[string(account)])
		dst = append(append(dst, f.middle...), account...)
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
