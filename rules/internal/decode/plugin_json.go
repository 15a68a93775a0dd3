package decode

import (
	"armor/rules/internal/fields"
	"armor/rules/internal/jsonfields"
)

// jsonPlugin flattens a JSON object into fields. Example:
//
//	<decoder name="json">
//	  <prematch>^{\s*"</prematch>
//	  <plugin_decoder>JSON_Decoder</plugin_decoder>
//	</decoder>
type jsonPlugin struct{}

func (jsonPlugin) decode(ev *Event, d *Decoder, from int) {
	list, err := ev.flat.Append(ev.flatBuf[:0], ev.Log[from:], d.modes)
	ev.flatBuf = list
	if err != nil {
		return
	}
	ev.addJSON(list)
}

// addJSON stores flattened fields. Top-level keys that name a static field fill it.
func (ev *Event) addJSON(list []jsonfields.Field) {
	for i := range list {
		f := &list[i]
		if f.Top {
			if slot := fields.SlotOfJSON(f.Name); slot != fields.None {
				if f.Name == "user" {
					if _, set := ev.Fields.Static(fields.DstUser); set {
						continue
					}
				}
				ev.Fields.Put(slot, f.Value)
				continue
			}
		}
		ev.Fields.Add(fields.Dynamic{Name: f.Name, Symbol: f.Symbol, Value: f.Value, Array: f.Array})
	}
}
