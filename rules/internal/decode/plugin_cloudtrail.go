package decode

import (
	"armor/rules/internal/fields"
	"armor/rules/internal/jsonfields"
)

// cloudTrail decodes AWS CloudTrail records in the form {"integration":"aws","aws":{...,"source":"cloudtrail",...}}.
// All of the record's fields become aws.*; beside them
//
//   - action is aws.eventName,
//   - srcip is aws.sourceIPAddress (as it stands: it may name a service),
//   - dstuser is who acted: the first of userIdentity's userName, the session issuer's userName (the role's name),
//     arn, invokedBy and type that is there and not empty.
//
// Its decoder matches only such records, so that others fall to the decoders behind it. JSON nulls give no field.
type cloudTrail struct {
	integration, source, event, address fields.Symbol
	users                               []fields.Symbol
}

func newCloudTrail(s *fields.Symbols) plugin {
	p := &cloudTrail{
		integration: s.Intern("integration"),
		source:      s.Intern("aws.source"),
		event:       s.Intern("aws.eventName"),
		address:     s.Intern("aws.sourceIPAddress"),
	}
	for _, name := range []string{"userName", "sessionContext.sessionIssuer.userName", "arn", "invokedBy", "type"} {
		p.users = append(p.users, s.Intern("aws.userIdentity."+name))
	}
	return p
}

func (p *cloudTrail) claim(ev *Event) bool {
	list, err := ev.flatten(ev.claimed[:0], 0, jsonfields.Modes{Null: jsonfields.NullDiscard})
	ev.claimed = list
	if err != nil {
		return false
	}
	var integration, source bool
	for i := range list {
		switch list[i].Symbol {
		case p.integration:
			integration = integration || list[i].Value == "aws"
		case p.source:
			source = source || list[i].Value == "cloudtrail"
		}
		if integration && source {
			return true
		}
	}
	return false
}

func (p *cloudTrail) decode(ev *Event, _ *Decoder, _ int) {
	ev.Fields.Take(append(ev.Fields.Dynamic(), ev.claimed...))
	ev.copyField(p.event, fields.Action)
	ev.copyField(p.address, fields.SrcIP)
	for _, n := range p.users {
		if ev.copyField(n, fields.DstUser) {
			return
		}
	}
}

// copyField copies a dynamic field that is not empty to a static slot.
func (ev *Event) copyField(n fields.Symbol, slot fields.Slot) bool {
	v, ok := ev.Fields.Get(n)
	if !ok || v == "" {
		return false
	}
	ev.Fields.Put(slot, v)
	return true
}
