// Package diagnostics answers what the ruleset in force does. It promises that asking changes nothing: logtest evaluates in
// memory of its own.
package diagnostics

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
	"armor/rules/rulestest"
)

// Ruleset is a ruleset in force.
type Ruleset struct {
	// Rules is the ruleset itself.
	Rules *rules.Ruleset
	// Loaded is when it was put in force.
	Loaded time.Time
	// Source says where it came from.
	Source string
	// Tests reads the tests that stand beside the rules, once; nil: there are none. An error for each file that cannot be read.
	Tests func() ([]rulestest.Case, []error)
}

// Keeper holds the ruleset in force.
type Keeper interface {
	// InForce gives it.
	InForce() Ruleset
	// Reload loads it again. swapped: a new one is in force. The error is a *rules.LoadError when its files have errors.
	Reload(ctx context.Context) (swapped bool, err error)
}

// Service is RulesetService.
type Service struct {
	armorv1.UnimplementedRulesetServiceServer

	keeper   Keeper
	sessions *sessions
	log      *slog.Logger
}

// New makes the service; now is the clock that logtest sessions expire by.
func New(k Keeper, now func() time.Time, log *slog.Logger) *Service {
	return &Service{keeper: k, sessions: newSessions(now), log: log}
}

// ListRules lists rules in order of their id.
func (s *Service) ListRules(_ context.Context, req *armorv1.ListRulesRequest) (*armorv1.ListRulesResponse, error) {
	after := 0
	if req.GetPageToken() != "" {
		n, err := strconv.Atoi(req.GetPageToken())
		if err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "page token %.40q does not come from an earlier answer", req.GetPageToken())
		}
		after = n
	}
	resp := &armorv1.ListRulesResponse{}
	for _, r := range s.keeper.InForce().Rules.Rules() {
		if r.ID <= after || r.Level < int(req.GetMinLevel()) || !inGroup(r, req.GetGroup()) {
			continue
		}
		if size := int(req.GetPageSize()); size > 0 && len(resp.Rules) == size {
			resp.NextPageToken = strconv.Itoa(int(resp.Rules[size-1].GetId()))
			break
		}
		resp.Rules = append(resp.Rules, summary(r))
	}
	return resp, nil
}

func inGroup(r *rules.Rule, group string) bool {
	return group == "" || slices.Contains(r.Groups, group)
}

// GetStatus says which ruleset is in force.
func (s *Service) GetStatus(context.Context, *armorv1.GetStatusRequest) (*armorv1.GetStatusResponse, error) {
	in := s.keeper.InForce()
	return &armorv1.GetStatusResponse{
		Hash: in.Rules.Hash(), Rules: uint32(len(in.Rules.Rules())), Decoders: uint32(in.Rules.DecoderCount()), Lists: uint32(in.Rules.ListCount()),
		LoadTime: timestamppb.New(in.Loaded), Source: in.Source, Problems: problems(in.Rules.Problems()),
	}, nil
}

// Reload loads the ruleset again and swaps it in; when it has errors the old one stays and the answer says why.
func (s *Service) Reload(ctx context.Context, _ *armorv1.ReloadRequest) (*armorv1.ReloadResponse, error) {
	swapped, err := s.keeper.Reload(ctx)
	in := s.keeper.InForce()
	resp := &armorv1.ReloadResponse{Swapped: swapped, Hash: in.Rules.Hash()}
	var load *rules.LoadError
	switch {
	case err == nil:
		resp.Problems = problems(in.Rules.Problems())
	case errors.As(err, &load):
		resp.Problems = problems(load.Problems)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default: // no file was at fault: a directory that is not there, say
		resp.Problems = []*armorv1.RulesetProblem{{Message: valid(err.Error()), Severity: armorv1.RulesetProblem_SEVERITY_ERROR}}
	}
	return resp, nil
}

func problems(in []rules.Problem) []*armorv1.RulesetProblem {
	out := make([]*armorv1.RulesetProblem, len(in))
	for i, p := range in {
		severity := armorv1.RulesetProblem_SEVERITY_WARNING
		if p.Severity == rules.Error {
			severity = armorv1.RulesetProblem_SEVERITY_ERROR
		}
		out[i] = &armorv1.RulesetProblem{File: valid(p.File), Line: uint32(p.Line), Subject: valid(p.Subject), Message: valid(p.Message), Severity: severity}
	}
	return out
}
