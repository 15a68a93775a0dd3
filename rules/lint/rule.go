package lint

import (
	"regexp"
	"slices"
	"strings"

	"armor/rules"
)

// rule runs the checks that need one rule and those above it.
func (c *checker) rule(r *rules.Rule) {
	if r.ID < 10 {
		return // the roots of the categories
	}
	if strings.TrimSpace(r.Description) == "" && !r.NoAlert && r.Level > 0 {
		c.add(r, NoDescription, "has no description, so its alerts say nothing; add <description>")
	}
	if r.NoAlert && len(c.rs.Children(r)) == 0 {
		c.add(r, Childless, "has noalert and no rule hangs under it, so it does nothing; remove noalert, or add rules with <if_sid>%d</if_sid>", r.ID)
	}
	c.groups(r)
	c.contradictions(r)
	c.fields(r)
	for _, cond := range c.conditions[r] {
		if cond.Pattern != "" || cond.Dialect != "" {
			c.pattern(r, cond)
		}
	}
}

var ownGroup = regexp.MustCompile(`(?s)<group>(.*?)</group>`)

func (c *checker) groups(r *rules.Rule) {
	for _, g := range r.Groups {
		if g != strings.TrimSpace(g) {
			c.add(r, SpacedGroup, "group %q has a space at its edge, which belongs to the name; remove the space beside the comma", g)
		}
	}
	text, own := c.rs.GroupText(r), ""
	for _, m := range ownGroup.FindAllStringSubmatch(r.XML, -1) {
		own += m[1]
	}
	outer, ok := strings.CutSuffix(text, own)
	if !ok || outer == "" || own == "" || strings.HasSuffix(outer, ",") || strings.HasPrefix(own, ",") {
		return
	}
	left, right := outer[strings.LastIndexByte(outer, ',')+1:], own
	if i := strings.IndexByte(own, ','); i >= 0 {
		right = own[:i]
	}
	c.add(r, JoinedGroups, "the enclosing group %q does not end with a comma, so the rule is in group %q; end it with a comma", left, left+right)
}

// contradictions looks for conditions that exclude each other, in the rule and on every way to it.
func (c *checker) contradictions(r *rules.Rule) {
	keys := map[string]bool{}
	decoder := ""
	for _, cond := range c.conditions[r] {
		keys[cond.Key] = true
		if cond.Element != "decoded_as" {
			continue
		}
		if decoder != "" && cond.Decoder != "" && decoder != cond.Decoder {
			c.add(r, Contradiction, "asks for two decoders, %s and %s, so it never matches; keep one", decoder, cond.Decoder)
			return
		}
		decoder = cond.Decoder
	}
	for _, cond := range c.conditions[r] {
		if cond.Opposite != "" && keys[cond.Opposite] && !cond.Negate {
			c.add(r, Contradiction, "wants <%s> to match %q and not to match it, so it never matches; remove one", cond.Element, cond.Pattern)
			return
		}
	}
	if decoder == "" {
		return
	}
	above := c.decoders(r)
	if above == nil {
		return
	}
	if slices.Contains(above, decoder) {
		return
	}
	c.add(r, Contradiction, "asks for decoder %s but hangs only under rules for %s, so it never matches; name another parent or another decoder",
		decoder, strings.Join(above, ", "))
}

// decoders gives the decoders that all ways to a rule ask for; nil: some way asks for none.
func (c *checker) decoders(r *rules.Rule) []string {
	var all []string
	if len(c.parents[r]) == 0 {
		return nil
	}
	for _, p := range c.parents[r] {
		names := c.decoderOf(p, 0)
		if names == nil {
			return nil
		}
		all = append(all, names...)
	}
	return all
}

// maxWay bounds the way up.
const maxWay = 16

func (c *checker) decoderOf(r *rules.Rule, depth int) []string {
	for _, cond := range c.conditions[r] {
		if cond.Decoder != "" {
			return []string{cond.Decoder}
		}
	}
	if depth >= maxWay || len(c.parents[r]) == 0 || len(c.parents[r]) > maxWay {
		return nil
	}
	var all []string
	for _, p := range c.parents[r] {
		names := c.decoderOf(p, depth+1)
		if names == nil || len(all) > maxWay {
			return nil
		}
		all = append(all, names...)
	}
	return all
}

// fields looks for fields that none of the rule's decoders fills.
func (c *checker) fields(r *rules.Rule) {
	names := c.decoderOf(r, 0)
	if names == nil {
		return
	}
	var sets []rules.Fields
	for _, name := range names {
		f, ok := c.rs.FieldsOf(name)
		if !ok {
			return
		}
		sets = append(sets, f)
	}
	for _, cond := range c.conditions[r] {
		has := false
		for _, f := range sets {
			has = has || f.Has(cond)
		}
		if !has {
			name := cond.Element
			if cond.Field != "" {
				name = cond.Field
			}
			c.add(r, UnsetField, "looks at %s, which decoder %s never fills, so it never matches; name a field of its <order>", name, names[0])
		}
	}
}
