package rules

// mitre gives what is known about a technique.
func mitre(id string) Mitre { return Mitre{ID: id} }
