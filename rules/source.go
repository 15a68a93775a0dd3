package rules

import "io/fs"

// Source is a tree that holds a ruleset or a part of one: folders decoders/, rules/ and lists/, optionally testing/
// (whose decoders and rules load last) and a ruleset.yaml that names exclusions and lists.
type Source struct {
	// Name is shown in front of file names when there are several sources; it may be empty.
	Name string
	// FS is the tree.
	FS fs.FS
}

// Dialect says which of the two rule languages the files are written in.
type Dialect int

const (
	// Wazuh: Wazuh 4.
	Wazuh Dialect = iota
	// OSSEC: OSSEC 3 and 4; a correlation rule fires on event frequency+2.
	OSSEC
)

// Options of Load. The zero value loads everything as the reference does.
type Options struct {
	// Include, if not empty, loads only the rule files that match one of these globs (path.Match, against the base
	// name and the path).
	Include []string
	// Exclude leaves out the rule files that match one of these globs.
	Exclude []string
	// SetRuleDecoder replaces decoded_as (and category) of a rule: rule id to decoder name.
	SetRuleDecoder map[int]string
	// Strict makes Load fail on warnings too.
	Strict bool
	// Dialect of the files.
	Dialect Dialect
}
