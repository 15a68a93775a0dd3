package match

import "strings"

// standards are the prefixes of group tokens that name compliance requirements.
var standards = []struct{ prefix, name string }{
	{"pci_dss_", "pci_dss"},
	{"gdpr_", "gdpr"},
	{"gpg13_", "gpg13"},
	{"hipaa_", "hipaa"},
	{"nist_800_53_", "nist_800_53"},
	{"tsc_", "tsc"},
	{"cis_", "cis"},
}

// splitGroups takes a group text apart: group names, and compliance requirements by standard. Spaces belong to the
// names, as in the reference.
func splitGroups(text string) (groups []string, compliance []Compliance) {
next:
	for token := range strings.SplitSeq(text, ",") {
		if token == "" {
			continue
		}
		for _, s := range standards {
			req, ok := strings.CutPrefix(token, s.prefix)
			if !ok {
				continue
			}
			for i := range compliance {
				if compliance[i].Standard == s.name {
					compliance[i].Requirements = append(compliance[i].Requirements, req)
					continue next
				}
			}
			compliance = append(compliance, Compliance{Standard: s.name, Requirements: []string{req}})
			continue next
		}
		groups = append(groups, token)
	}
	return groups, compliance
}
