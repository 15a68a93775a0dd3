// Package ruleset holds the decoders and rules that Armor ships.
//
// Rule numbers: 80300 to 80499 are the EC2 rules, whose numbers users know; all others of Armor's own are 200000 to
// 209999 (sshd 200000, PAM 200100, sudo and su 200200, accounts 200300), a range that Wazuh's ruleset leaves alone.
// The numbers 100000 to 199999 stay free for users.
package ruleset

import (
	"embed"
	"io/fs"
)

//go:embed decoders rules lists
var files embed.FS

// FS is Armor's own ruleset as a tree that rules.Load takes.
func FS() fs.FS { return files }
