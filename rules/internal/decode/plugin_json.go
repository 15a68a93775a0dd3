package decode

// jsonPlugin flattens a JSON object into fields. Example:
//
//	<decoder name="json">
//	  <prematch>^{\s*"</prematch>
//	  <plugin_decoder>JSON_Decoder</plugin_decoder>
//	</decoder>
type jsonPlugin struct{}

func (jsonPlugin) decode(ev *Event, d *Decoder, from int) {
	list, err := ev.flatten(ev.Fields.Dynamic(), from, d.modes)
	if err == nil {
		ev.Fields.Take(list)
	}
}
