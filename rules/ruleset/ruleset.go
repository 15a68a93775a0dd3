// Package ruleset holds the decoders and rules that Armor ships.
//
// Rule numbers: 80300 to 81099 and 86500 to 86599 are the AWS rules whose numbers users know; all others of Armor's own
// are 200000 to 209999, a range that Wazuh's ruleset leaves alone: sshd 200000, PAM 200100, sudo and su 200200,
// accounts 200300, AWS 201000 to 202999. The numbers 100000 to 199999 stay free for users.
//
// rules/ holds one file per topic, tests/ the events that each rule fires on and is silent on ("armor rules test" runs
// them), lists/ the lists that users fill in overlays.
package ruleset

import (
	"embed"
	"io/fs"
)

//go:embed decoders rules lists tests/*.yaml
var files embed.FS

// FS is Armor's own ruleset as a tree that rules.Load takes, with its tests.
func FS() fs.FS { return files }
