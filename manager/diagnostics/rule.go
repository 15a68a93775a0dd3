package diagnostics

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// maxChildren bounds the rules named below one; a rule of a large ruleset can carry thousands.
const maxChildren = 1000

// GetRule shows one rule with its definition and its place among the others.
func (s *Service) GetRule(_ context.Context, req *armorv1.GetRuleRequest) (*armorv1.GetRuleResponse, error) {
	rs := s.keeper.InForce().Rules
	r, ok := rs.Rule(int(req.GetId()))
	if !ok {
		return nil, status.Errorf(codes.NotFound, "no rule %d is loaded", req.GetId())
	}
	out := &armorv1.GetRuleResponse{
		Rule: summary(r), Xml: valid(r.XML), Info: valid(r.Info), Frequency: uint32(max(0, r.Frequency)),
		TimeframeSeconds: uint32(max(0, r.Timeframe)), IgnoreSeconds: uint32(max(0, r.Ignore)), NoAlert: r.NoAlert,
	}
	for _, id := range r.Parents {
		if parent, ok := rs.Rule(id); ok {
			out.Parents = append(out.Parents, summary(parent))
		}
	}
	for _, other := range rs.Rules() {
		if !slices.Contains(other.Parents, r.ID) {
			continue
		}
		if out.ChildrenTotal++; out.ChildrenTotal <= maxChildren {
			out.Children = append(out.Children, summary(other))
		}
	}
	for _, m := range r.Mitre {
		out.Mitre = append(out.Mitre, &armorv1.RuleMitre{Id: valid(m.ID), Technique: valid(m.Technique), Tactics: validAll(m.Tactics)})
	}
	for _, c := range r.Compliance {
		out.Compliance = append(out.Compliance, &armorv1.RuleCompliance{Standard: valid(c.Standard), Requirements: validAll(c.Requirements)})
	}
	addTests(out, s.keeper.InForce())
	return out, nil
}

func summary(r *rules.Rule) *armorv1.RuleSummary {
	out := &armorv1.RuleSummary{
		Id: uint32(r.ID), Level: uint32(r.Level), Description: valid(r.Description), Groups: validAll(r.Groups), File: valid(r.File), Line: uint32(r.Line),
	}
	for _, p := range r.Parents {
		out.Parents = append(out.Parents, uint32(p))
	}
	for _, m := range r.Mitre {
		out.MitreIds = append(out.MitreIds, valid(m.ID))
	}
	return out
}
