package decode

import "armor/rules/internal/fields"

// plugin decodes the log from an offset on, for a decoder with <plugin_decoder>.
type plugin interface {
	decode(ev *Event, d *Decoder, from int)
}

// claimer is a plugin that also has a say in whether its decoder matches at all.
type claimer interface {
	claim(ev *Event) bool
}

// plugins lists the plugins by the name that decoder files use.
var plugins = map[string]func(*fields.Symbols) plugin{
	"JSON_Decoder":       func(*fields.Symbols) plugin { return jsonPlugin{} },
	"CloudTrail_Decoder": newCloudTrail,
	"PF_Decoder":         func(*fields.Symbols) plugin { return pfPlugin{} },
	"SymantecWS_Decoder": func(*fields.Symbols) plugin { return symantecPlugin{} },
	"SonicWall_Decoder":  newSonicWall,
	"OSSECAlert_Decoder": func(*fields.Symbols) plugin { return ossecAlertPlugin{} },
}
