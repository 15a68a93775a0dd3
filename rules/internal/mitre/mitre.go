// Package mitre knows the names of MITRE ATT&CK techniques and their tactics, from the public matrix.
package mitre

import (
	_ "embed"
	"strings"
)

//go:embed techniques.txt
var text string

var tacticNames = map[string]string{
	"R": "Reconnaissance", "D": "Resource Development", "I": "Initial Access", "X": "Execution", "P": "Persistence",
	"E": "Privilege Escalation", "V": "Defense Evasion", "C": "Credential Access", "S": "Discovery", "L": "Lateral Movement",
	"O": "Collection", "M": "Command and Control", "F": "Exfiltration", "Z": "Impact",
}

// Technique is one technique.
type Technique struct {
	Name    string
	Tactics []string
}

// Table holds the techniques by id.
type Table map[string]Technique

// Read makes the table.
func Read() Table {
	t := Table{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		id, rest, _ := strings.Cut(line, " ")
		letters, name, _ := strings.Cut(rest, " ")
		entry := Technique{Name: name}
		for l := range strings.SplitSeq(letters, ",") {
			entry.Tactics = append(entry.Tactics, tacticNames[l])
		}
		t[id] = entry
	}
	return t
}
