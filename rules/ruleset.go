package rules

// Ruleset is a loaded ruleset: decoders, rules and lists, with every name resolved. It does not change and may be
// shared by any number of engines and goroutines.
type Ruleset struct {
	hash     string
	rules    []*Rule
	byID     map[int]*Rule
	decoders int
	lists    int
	problems []Problem
	files    []string
}

// Hash is SHA-256 over the options and all loaded files, in hex: equal hashes mean equal behaviour.
func (rs *Ruleset) Hash() string { return rs.hash }

// Rules gives all rules, sorted by id.
func (rs *Ruleset) Rules() []*Rule { return rs.rules }

// Rule finds a rule by its id.
func (rs *Ruleset) Rule(id int) (*Rule, bool) {
	r, ok := rs.byID[id]
	return r, ok
}

// DecoderCount is the number of decoders.
func (rs *Ruleset) DecoderCount() int { return rs.decoders }

// ListCount is the number of lists.
func (rs *Ruleset) ListCount() int { return rs.lists }

// Problems gives the loader's warnings, sorted by file and line.
func (rs *Ruleset) Problems() []Problem { return rs.problems }

// Files names the files that were loaded, in order.
func (rs *Ruleset) Files() []string { return rs.files }
