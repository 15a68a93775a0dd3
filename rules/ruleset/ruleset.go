// Package ruleset holds the decoders, rules and lists that Armor ships.
package ruleset

import (
	"embed"
	"io/fs"
)

//go:embed decoders rules
var files embed.FS

// FS is Armor's own ruleset as a tree that rules.Load takes.
func FS() fs.FS { return files }
