package rules

// Rule is a loaded rule, as an alert or a listing shows it. It is shared and must not be changed.
type Rule struct {
	// ID is the rule's number, 1 to 999999.
	ID int
	// Index is the rule's place in Ruleset.Rules.
	Index int
	// Level is 0 (no alert) to 16.
	Level int
	// Description as written; Verdict.Description has its fields filled in.
	Description string
	// Info is the text of <info>; CVE that of <info type="cve">.
	Info, CVE string
	// Groups in order (those of the enclosing <group> first), compliance tokens taken out.
	Groups []string
	// Compliance holds those tokens by standard, in order of first appearance.
	Compliance []Compliance
	// Mitre holds the rule's MITRE ATT&CK techniques.
	Mitre []Mitre
	// Frequency and Timeframe (seconds) as written; 0: none.
	Frequency, Timeframe int
	// Ignore is the number of seconds for which the rule is silent after it fired; 0: none.
	Ignore int
	// Mail says that the rule asks for mail.
	Mail bool
	// NoAlert: the rule only carries others.
	NoAlert bool
	// NoFullLog: alerts of this rule go without full_log.
	NoFullLog bool
	// NoLog: the rule matches, but no alert is written.
	NoLog bool
	// File and Line say where the rule stands (for an overwritten rule: where it was overwritten).
	File string
	Line int
	// Parents are the ids of the rules that it hangs under, sorted; empty for the roots.
	Parents []int
	// XML is the definition as written.
	XML string
}

// Compliance holds the requirements of one standard that a rule names.
type Compliance struct {
	// Standard is the alert's field name: pci_dss, gdpr, hipaa, nist_800_53, tsc, gpg13, cis.
	Standard string
	// Requirements, such as 10.6.1, in order.
	Requirements []string
}

// Mitre is a MITRE ATT&CK technique that a rule names.
type Mitre struct {
	// ID of the technique, such as T1110.001.
	ID string
	// Tactics are names, such as "Credential Access"; empty where unknown.
	Tactics []string
	// Technique is its name, such as "Password Guessing"; empty where unknown.
	Technique string
}
