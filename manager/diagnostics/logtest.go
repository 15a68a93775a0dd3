package diagnostics

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
	"armor/rules/logtest"
)

const (
	maxSessions = 100              // of logtest; the one that was used longest ago makes room
	sessionLife = 10 * time.Minute // without use
	maxLines    = 1000             // in one call
	maxLine     = 1 << 20          // bytes
	maxTraced   = 20               // lines in one call with trace or why: each may have thousands of steps
	maxAnswer   = 32 << 20         // bytes; clients take twice as much
)

// Logtest evaluates lines in a session of their own.
func (s *Service) Logtest(ctx context.Context, req *armorv1.LogtestRequest) (*armorv1.LogtestResponse, error) {
	if len(req.GetLogs()) > maxLines {
		return nil, status.Errorf(codes.InvalidArgument, "%d lines, at most %d are allowed in one call; go on with the session", len(req.GetLogs()), maxLines)
	}
	for i, line := range req.GetLogs() {
		if len(line) > maxLine {
			return nil, status.Errorf(codes.InvalidArgument, "line %d has %d bytes, at most %d are allowed", i+1, len(line), maxLine)
		}
	}
	explain := logtest.Explain{Trace: req.GetTrace() || req.GetTraceAll(), All: req.GetTraceAll()}
	if id := int(req.GetWhy()); id != 0 {
		explain.Why = []int{id}
	}
	if n := len(req.GetLogs()); n > maxTraced && (explain.Trace || explain.Why != nil) {
		return nil, status.Errorf(codes.InvalidArgument, "%d lines with trace or why, at most %d are allowed in one call; go on with the session", n, maxTraced)
	}
	session, err := s.sessions.get(req.GetSessionId(), req.GetLocation(), s.keeper.InForce().Rules)
	if err != nil {
		return nil, err
	}
	for _, id := range explain.Why {
		if err := session.rules.Explainable(id); err != nil {
			if req.GetSessionId() == "" {
				s.sessions.drop(session.id)
			}
			return nil, status.Errorf(codes.NotFound, "why: %v; ListRules shows those in force", err)
		}
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	resp := &armorv1.LogtestResponse{SessionId: session.id}
	size := 0
	for i, line := range req.GetLogs() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		result, err := s.test(session, line, explain)
		if err != nil {
			return nil, err
		}
		if size += proto.Size(result); size > maxAnswer {
			return nil, status.Errorf(codes.ResourceExhausted,
				"the answer has more than %d bytes at line %d: send fewer lines, or ask without trace_all (session %s has the lines up to this one)", maxAnswer, i+1, session.id)
		}
		resp.Results = append(resp.Results, result)
	}
	return resp, nil
}

// session is a logtest session. It keeps the ruleset that it was started with.
type session struct {
	id    string
	rules *rules.Ruleset
	used  time.Time // guarded by sessions.mu

	mu     sync.Mutex
	tester tester
}

// tester evaluates lines one after the other; *logtest.Session is one. An error means that nothing was evaluated.
type tester interface {
	Explain(line string, e logtest.Explain) (logtest.Result, error)
}

// sessions holds the sessions: at most maxSessions, each for sessionLife after its last use.
type sessions struct {
	now func() time.Time

	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byID: map[string]*session{}}
}

// get finds a session, or starts one when id is empty.
func (s *sessions) get(id, location string, rs *rules.Ruleset) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for key, old := range s.byID {
		if now.Sub(old.used) >= sessionLife {
			delete(s.byID, key)
		}
	}
	if id != "" {
		found := s.byID[id]
		if found == nil {
			return nil, status.Errorf(codes.NotFound, "no session %.64q: a session ends %s after its last use, or when it makes room for newer ones; ask without one to start anew", id, sessionLife)
		}
		found.used = now
		return found, nil
	}
	if len(s.byID) >= maxSessions {
		oldest := ""
		for key, old := range s.byID {
			if oldest == "" || old.used.Before(s.byID[oldest].used) {
				oldest = key
			}
		}
		delete(s.byID, oldest)
	}
	random := make([]byte, 16)
	rand.Read(random) // never fails
	engine := rules.NewEngine(rs, rules.EngineOptions{Now: s.now})
	started := &session{id: hex.EncodeToString(random), rules: rs, used: now, tester: logtest.NewSession(engine, logtest.Options{Location: location})}
	s.byID[started.id] = started
	return started, nil
}

func (s *sessions) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// test evaluates a line; a panic of the engine ends the call, not the manager.
func (s *Service) test(in *session, line string, explain logtest.Explain) (out *armorv1.LogtestResult, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.sessions.drop(in.id) // its memory may be in any state
			s.log.Error("the engine panicked on a line of logtest", "panic", r, "line", line, "stack", string(debug.Stack()))
			out, err = nil, status.Errorf(codes.Internal, "the engine failed on this line; the manager's log says where: %v", r)
		}
	}()
	r, err := in.tester.Explain(line, explain)
	if err != nil {
		return nil, fmt.Errorf("evaluate a line: %w", err)
	}
	return &armorv1.LogtestResult{
		Json: valid(string(r.JSON())), RuleId: uint32(r.RuleID), Level: uint32(r.Level), Description: valid(r.Description), Alert: r.Alert,
		Trace: validAll(r.TraceText()), Why: validAll(r.WhyText()),
	}, nil
}

func validAll(lines []string) []string {
	for i := range lines {
		lines[i] = valid(lines[i])
	}
	return lines
}

// valid makes UTF-8 of a text that may hold bytes of a log or of a rule file.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
