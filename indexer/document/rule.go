package document

import (
	"net/netip"
	"slices"
	"strconv"

	armorv1 "armor/proto/armor/v1"
)

// standards are the compliance standards that have a field of their own.
var standards = []string{"pci_dss", "gdpr", "hipaa", "nist_800_53", "tsc", "gpg13", "cis"}

func (o *object) rule(r *armorv1.AlertRule) {
	if r == nil {
		return
	}
	o.open("rule")
	o.key("id")
	o.dst = append(o.dst, '"')
	o.dst = strconv.AppendUint(o.dst, uint64(r.GetId()), 10)
	o.dst = append(o.dst, '"')
	o.number("level", uint64(r.GetLevel()))
	o.str("description", r.GetDescription())
	o.strs("groups", groups(r))
	o.number("firedtimes", r.GetFiredTimes())
	if r.GetFrequency() > 0 {
		o.number("frequency", uint64(r.GetFrequency()))
	}
	o.boolean("mail", r.GetMail())
	for _, standard := range standards {
		o.strs(standard, requirements(r, standard))
	}
	o.mitre(r.GetMitre())
	o.str("info", r.GetInfo())
	o.close()
}

// groups are the rule's groups. A compliance token of a standard without a field of its own stays one of them.
func groups(r *armorv1.AlertRule) []string {
	list := r.GetGroups()
	for _, c := range r.GetCompliance() {
		if slices.Contains(standards, c.GetStandard()) {
			continue
		}
		list = slices.Clip(list)
		for _, requirement := range c.GetRequirements() {
			list = append(list, c.GetStandard()+"_"+requirement)
		}
	}
	return list
}

// requirements are those of a standard; a slice is made only where the standard occurs twice.
func requirements(r *armorv1.AlertRule, standard string) []string {
	var list []string
	for _, c := range r.GetCompliance() {
		switch {
		case c.GetStandard() != standard:
		case list == nil:
			list = slices.Clip(c.GetRequirements())
		default:
			list = append(list, c.GetRequirements()...)
		}
	}
	return list
}

func (o *object) mitre(list []*armorv1.Mitre) {
	if len(list) == 0 {
		return
	}
	o.open("mitre")
	o.strs("id", collect(list, func(m *armorv1.Mitre) []string { return []string{m.GetId()} }))
	o.strs("tactic", collect(list, (*armorv1.Mitre).GetTactics))
	o.strs("technique", collect(list, func(m *armorv1.Mitre) []string { return []string{m.GetTechnique()} }))
	o.close()
}

// collect gathers the different values of the techniques, in order of appearance.
func collect(list []*armorv1.Mitre, values func(*armorv1.Mitre) []string) []string {
	var all []string
	for _, m := range list {
		for _, v := range values(m) {
			if v != "" && !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	return all
}

// address gives the canonical form of an IP address; an IPv4 address in IPv6 form is IPv4, a zone is cut off.
func address(s string) (string, bool) {
	if s == "" {
		return "", false
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return "", false
	}
	if canonical := a.Unmap().WithZone(""); canonical != a {
		a = canonical
	} else if a.Is4() {
		return s, true // ParseAddr accepts only the canonical form
	}
	return a.String(), true
}
