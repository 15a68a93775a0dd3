package cloudtrail

import "fmt"

// value reads a whole value, keeps its compact text, and on the way picks the fields of a record that events need.
func (d *Decoder) value() error {
	d.stack = d.stack[:0]
	for {
		open, err := d.scalar()
		if err != nil {
			return err
		}
		if open == '{' {
			if err := d.memberKey(); err != nil {
				return err
			}
		}
		if open != 0 {
			continue
		}
		more, err := d.close()
		if err != nil || !more {
			return err
		}
	}
}

// scalar reads a value that holds no others, or an empty object or array; of others it reads the first byte and returns it.
func (d *Decoder) scalar() (open byte, err error) {
	c, ok := d.space()
	if !ok {
		return 0, d.ended("a value")
	}
	field := d.field
	d.field = otherField
	switch c {
	case '{', '[':
		if len(d.stack) == maxDepth {
			d.deep, d.discard = true, true
		}
		if len(d.stack) == maxSkipped {
			return 0, d.fail(fmt.Sprintf("nested deeper than %d", maxSkipped))
		}
		d.r++
		d.emitByte(c)
		end, ok := d.space()
		if !ok {
			return 0, d.ended("a value")
		}
		if end == c+2 { // } follows { by two, and so does ] [
			d.r++
			d.emitByte(end)
			return 0, nil
		}
		d.stack = append(d.stack, c)
		if field == userIdentity && c == '{' {
			d.inUser = true
		}
		return c, nil
	case '"':
		text, err := d.str()
		if err != nil {
			return 0, err
		}
		d.pick(field, text)
		return 0, nil
	case 't':
		return 0, d.literal("true")
	case 'f':
		return 0, d.literal("false")
	case 'n':
		return 0, d.literal("null")
	}
	if c == '-' || c >= '0' && c <= '9' {
		return 0, d.number()
	}
	return 0, d.unexpected(c, "a value")
}

// close reads what follows a value: the ends of objects and arrays, and a comma. more says that another value follows.
func (d *Decoder) close() (more bool, err error) {
	for len(d.stack) > 0 {
		c, ok := d.space()
		if !ok {
			return false, d.ended("a record")
		}
		top := d.stack[len(d.stack)-1]
		switch {
		case c == ',':
			d.r++
			d.emitByte(c)
			if top == '{' {
				return true, d.memberKey()
			}
			return true, nil
		case c == top+2:
			d.r++
			d.emitByte(c)
			d.stack = d.stack[:len(d.stack)-1]
			if len(d.stack) == 1 {
				d.inUser = false
			}
		default:
			return false, d.unexpected(c, fmt.Sprintf(`"," or %q`, string(top+2)))
		}
	}
	return false, nil
}

// memberKey reads a key of an object and the colon.
func (d *Decoder) memberKey() error {
	c, ok := d.space()
	if !ok {
		return d.ended("a record")
	}
	if c != '"' {
		return d.unexpected(c, "a key")
	}
	text, err := d.str()
	if err != nil {
		return err
	}
	if len(d.stack) == 1 {
		switch string(text) {
		case "eventTime":
			d.field = eventTime
		case "recipientAccountId":
			d.field = recipientAccount
		case "userIdentity":
			d.field = userIdentity
		}
	} else if len(d.stack) == 2 && d.inUser && string(text) == "accountId" {
		d.field = userAccount
	}
	if c, ok = d.space(); !ok {
		return d.ended("a record")
	}
	if c != ':' {
		return d.unexpected(c, `":"`)
	}
	d.r++
	d.emitByte(c)
	return nil
}

// pick notes a string that events need. They are short: longer ones are no account and no time.
func (d *Decoder) pick(f field, text []byte) {
	if d.discard || len(text) > len(d.picked[0]) {
		return
	}
	switch f {
	case eventTime:
		d.record.EventTime = d.picked[0][:copy(d.picked[0][:], text)]
	case recipientAccount:
		d.record.RecipientAccountID = d.picked[1][:copy(d.picked[1][:], text)]
	case userAccount:
		d.record.UserAccountID = d.picked[2][:copy(d.picked[2][:], text)]
	}
}
