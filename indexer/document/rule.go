package document

import (
	"slices"
	"strconv"

	armorv1 "armor/proto/armor/v1"
)

func appendRule(dst []byte, r *armorv1.AlertRule) []byte {
	if r == nil {
		return dst
	}
	dst = append(dst, `,"rule":{"id":"`...)
	dst = strconv.AppendUint(dst, uint64(r.GetId()), 10)
	dst = append(dst, `","level":`...)
	dst = strconv.AppendUint(dst, uint64(r.GetLevel()), 10)
	dst = str(dst, `,"description":"`, r.GetDescription())
	dst = appendGroups(dst, r)
	dst = number(dst, `,"firedtimes":`, r.GetFiredTimes())
	if r.GetFrequency() > 0 {
		dst = number(dst, `,"frequency":`, uint64(r.GetFrequency()))
	}
	dst = append(dst, `,"mail":`...)
	dst = strconv.AppendBool(dst, r.GetMail())
	if list := r.GetCompliance(); len(list) > 0 {
		dst = appendCompliance(dst, list)
	}
	if list := r.GetMitre(); len(list) > 0 {
		dst = appendMitre(dst, list)
	}
	dst = str(dst, `,"info":"`, r.GetInfo())
	return append(dst, '}')
}

// appendGroups appends the rule's groups. A compliance token of a standard without a field of its own stays one of them.
func appendGroups(dst []byte, r *armorv1.AlertRule) []byte {
	list := array{key: `,"groups":["`}
	dst = list.add(dst, r.GetGroups())
	for _, c := range r.GetCompliance() {
		if standardOf(c.GetStandard()) >= 0 {
			continue
		}
		for _, requirement := range c.GetRequirements() {
			dst = appendEscaped(list.value(dst), c.GetStandard())
			dst = append(dst, '_')
			dst = appendEscaped(dst, requirement)
		}
	}
	return list.close(dst)
}

// standards are the keys of the compliance standards that have a field of their own, in the order of standardOf.
var standards = [...]key{`,"pci_dss":["`, `,"gdpr":["`, `,"hipaa":["`, `,"nist_800_53":["`, `,"tsc":["`, `,"gpg13":["`, `,"cis":["`}

// standardOf is the place of a standard in standards; -1: it has none.
func standardOf(name string) int {
	switch name {
	case "pci_dss":
		return 0
	case "gdpr":
		return 1
	case "hipaa":
		return 2
	case "nist_800_53":
		return 3
	case "tsc":
		return 4
	case "gpg13":
		return 5
	case "cis":
		return 6
	}
	return -1
}

// appendCompliance appends the requirements of each standard, those of a standard that occurs twice together.
func appendCompliance(dst []byte, list []*armorv1.Compliance) []byte {
	var of [len(standards)]*armorv1.Compliance
	twice := false
	for _, c := range list {
		if i := standardOf(c.GetStandard()); i >= 0 {
			twice = twice || of[i] != nil
			of[i] = c
		}
	}
	for i, c := range of {
		requirements := array{key: standards[i]}
		if !twice {
			dst = requirements.add(dst, c.GetRequirements())
		} else {
			for _, c := range list {
				if standardOf(c.GetStandard()) == i {
					dst = requirements.add(dst, c.GetRequirements())
				}
			}
		}
		dst = requirements.close(dst)
	}
	return dst
}

// usual is up to how many values are gathered without an allocation.
const usual = 8

func appendMitre(dst []byte, list []*armorv1.Mitre) []byte {
	dst = append(dst, `,"mitre":{`...)
	dst = appendTechniqueIDs(dst, `,"id":["`, list)
	var room [usual]string
	tactics := room[:0]
	for _, m := range list {
		for _, tactic := range m.GetTactics() {
			tactics = addNew(tactics, tactic)
		}
	}
	dst = strs(dst, `,"tactic":["`, tactics)
	techniques := room[:0]
	for _, m := range list {
		techniques = addNew(techniques, m.GetTechnique())
	}
	dst = strs(dst, `,"technique":["`, techniques)
	return append(dst, '}')
}

func appendTechniqueIDs(dst []byte, k key, list []*armorv1.Mitre) []byte {
	var room [usual]string
	ids := room[:0]
	for _, m := range list {
		ids = addNew(ids, m.GetId())
	}
	return strs(dst, k, ids)
}

// addNew adds a value that is not in the list yet.
func addNew(list []string, value string) []string {
	if slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}
