package fields

// Symbol is the number of an interned field name; Unknown: no rule or decoder names the field.
type Symbol = int32

// Unknown is the symbol of a name that was not interned. Those below it stand for static fields: see OfSlot.
const Unknown Symbol = -1

// OfSlot is the symbol of a static field's value on its way into a Set, among dynamic ones.
func OfSlot(s Slot) Symbol { return Unknown - 1 - Symbol(s) }

// Symbols interns field names, without regard to case (ASCII). It is filled while loading and read-only afterwards.
type Symbols struct {
	byName map[string]Symbol
	names  []string
}

// NewSymbols makes an empty table.
func NewSymbols() *Symbols { return &Symbols{byName: map[string]Symbol{}} }

// Intern gives the number of a name, a new one if need be.
func (s *Symbols) Intern(name string) Symbol {
	key := Fold(name)
	if n, ok := s.byName[key]; ok {
		return n
	}
	n := Symbol(len(s.names))
	s.byName[key] = n
	s.names = append(s.names, name)
	return n
}

// Lookup gives the number of a name or Unknown.
func (s *Symbols) Lookup(name string) Symbol {
	if n, ok := s.byName[Fold(name)]; ok {
		return n
	}
	return Unknown
}

// Len is the number of names.
func (s *Symbols) Len() int { return len(s.names) }

// Name gives a name as it was interned first.
func (s *Symbols) Name(n Symbol) string { return s.names[n] }

// Fold lower-cases the ASCII letters of a name; it allocates only when there are upper-case ones.
func Fold(name string) string {
	for i := 0; i < len(name); i++ {
		if c := name[i]; 'A' <= c && c <= 'Z' {
			b := []byte(name)
			for ; i < len(b); i++ {
				if c := b[i]; 'A' <= c && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return name
}

// EqualFold compares two names without regard to ASCII case.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}
