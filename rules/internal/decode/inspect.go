package decode

import "armor/rules/internal/fields"

// Fills says which fields a decoder can give to its events.
type Fills struct {
	// Open: a plugin fills what the event holds, or the fields of earlier events are carried on; anything may be there.
	Open bool
	// Static and Dynamic are the fields that expressions fill.
	Static  map[fields.Slot]bool
	Dynamic map[fields.Symbol]bool
}

// Fills gives what the events of a decoder number may hold: whatever any decoder of its family fills, since fields are
// taken along a chain of brothers. ok is false for a number without a decoder.
func (t *Tree) Fills(id int32) (f Fills, ok bool) {
	families := map[string]bool{}
	for _, d := range t.all {
		if d.ID == id {
			families[d.family()] = true
		}
	}
	f = Fills{Static: map[fields.Slot]bool{}, Dynamic: map[fields.Symbol]bool{}}
	for _, d := range t.all {
		if !families[d.family()] {
			continue
		}
		f.Open = f.Open || d.plugin != nil || d.Accumulate
		for _, o := range d.order {
			if o.slot != fields.None {
				f.Static[o.slot] = true
			} else {
				f.Dynamic[o.symbol] = true
			}
		}
	}
	return f, len(families) > 0
}

// family is the name of the decoder at the top.
func (d *Decoder) family() string {
	if d.Parent != "" {
		return d.Parent
	}
	return d.OwnName
}
