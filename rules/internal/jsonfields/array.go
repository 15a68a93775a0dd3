package jsonfields

// array returns the text of the array at index i, in the form that the modes ask for, and the index after it.
func (f *Flattener) array(i, depth int) (v string, after int, err error) {
	from := len(f.buf)
	if f.modes.Array == ArrayCSV {
		after, err = f.printCSV(i, depth)
		return view(f.buf[from:]), after, err
	}
	if after, err = f.print(i, depth); err != nil {
		return "", 0, err
	}
	if len(f.buf) == from {
		return f.text[i:after], after, nil
	}
	f.copyTo(after)
	return view(f.buf[from:]), after, nil
}

// print prints the value at index i and returns the index after it: as JSON without white space and with the
// reference's escapes and numbers. What stands so in the text is only noted: it is copied when something else comes.
func (f *Flattener) print(i, depth int) (int, error) {
	f.from = i
	return f.printValue(i, depth)
}

// copyTo appends what is noted, up to index i.
func (f *Flattener) copyTo(i int) { f.buf = append(f.buf, f.text[f.from:i]...) }

// skip leaves out the white space at index i and returns the index after it.
func (f *Flattener) skip(i int) int {
	after := space(f.text, i)
	if after > i {
		f.copyTo(i)
		f.from = after
	}
	return after
}

func (f *Flattener) printValue(i, depth int) (int, error) {
	text := f.text
	if depth > maxDepth || i == len(text) {
		return 0, ErrSyntax
	}
	switch c := text[i]; {
	case c == '[':
		return f.printList(i, depth, ']')
	case c == '{':
		return f.printList(i, depth, '}')
	case c == '"':
		return f.printString(i)
	case c == '-' || '0' <= c && c <= '9':
		end, err := numberEnd(text, i)
		if err == nil && !plainInt(text[i:end]) {
			f.copyTo(i)
			f.buf = appendArrayNumber(f.buf, text[i:end])
			f.from = end
		}
		return end, err
	}
	word, err := literal(text, i)
	return i + len(word), err
}

// printList prints the array or object that begins at index i.
func (f *Flattener) printList(i, depth int, closing byte) (int, error) {
	text := f.text
	i = f.skip(i + 1)
	if i < len(text) && text[i] == closing {
		return i + 1, nil
	}
	for {
		var err error
		if closing == '}' {
			if i, err = f.printString(i); err != nil {
				return 0, err
			}
			if i = f.skip(i); i == len(text) || text[i] != ':' {
				return 0, ErrSyntax
			}
			i = f.skip(i + 1)
		}
		if i, err = f.printValue(i, depth+1); err != nil {
			return 0, err
		}
		i = f.skip(i)
		switch {
		case i == len(text):
			return 0, ErrSyntax
		case text[i] == closing:
			return i + 1, nil
		case text[i] != ',':
			return 0, ErrSyntax
		}
		i = f.skip(i + 1)
	}
}

// printString prints the string at index i.
func (f *Flattener) printString(i int) (int, error) {
	s, after, err := f.readKey(i)
	if err != nil {
		return 0, err
	}
	if len(s) == after-i-2 && !hasControl(s) {
		return after, nil
	}
	f.copyTo(i)
	f.from = after
	f.buf = append(f.buf, '"')
	from := 0
	for j := 0; j < len(s); j++ {
		c := s[j]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		f.buf = append(f.buf, s[from:j]...)
		f.buf = appendEscape(f.buf, c)
		from = j + 1
	}
	f.buf = append(f.buf, s[from:]...)
	f.buf = append(f.buf, '"')
	return after, nil
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// printCSV appends the scalars of the array at index i to the buffer, joined
// by commas; nulls, arrays and objects in it are left out.
func (f *Flattener) printCSV(i, depth int) (int, error) {
	text := f.text
	from := len(f.buf)
	i = space(text, i+1)
	if i < len(text) && text[i] == ']' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = f.printItem(i, depth, len(f.buf) > from); err != nil {
			return 0, err
		}
		i = space(text, i)
		switch {
		case i == len(text):
			return 0, ErrSyntax
		case text[i] == ']':
			return i + 1, nil
		case text[i] != ',':
			return 0, ErrSyntax
		}
		i = space(text, i+1)
	}
}

// printItem appends one item of a list, after a comma if it is not the first.
func (f *Flattener) printItem(i, depth int, comma bool) (int, error) {
	text := f.text
	if i == len(text) {
		return 0, ErrSyntax
	}
	before := len(f.buf)
	if comma {
		f.buf = append(f.buf, ',')
	}
	switch c := text[i]; {
	case c == '"':
		s, after, err := f.readKey(i)
		f.buf = append(f.buf, s...)
		return after, err
	case c == '-' || '0' <= c && c <= '9':
		end, err := numberEnd(text, i)
		if err == nil {
			f.buf = appendNumber(f.buf, text[i:end])
		}
		return end, err
	case c == '[' || c == '{' || c == 'n':
		after, err := f.print(i, depth+1)
		f.buf = f.buf[:before]
		return after, err
	}
	word, err := literal(text, i)
	f.buf = append(f.buf, word...)
	return i + len(word), err
}
