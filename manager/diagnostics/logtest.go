package diagnostics

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
	"armor/rules/logtest"
)

const (
	maxSessions = 100              // of logtest; the one that was used longest ago makes room
	sessionLife = 10 * time.Minute // without use
	maxLines    = 1000             // in one call
	maxLine     = 1 << 20          // bytes
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
	if req.GetTrace() || req.GetWhy() != 0 {
		return nil, status.Error(codes.Unimplemented, "this version does not trace: ask without trace and why")
	}
	session, err := s.sessions.get(req.GetSessionId(), req.GetLocation(), s.keeper.InForce().Rules)
	if err != nil {
		return nil, err
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	resp := &armorv1.LogtestResponse{SessionId: session.id}
	for _, line := range req.GetLogs() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		result, err := s.test(session, line)
		if err != nil {
			s.sessions.drop(session.id) // its memory may be in any state
			return nil, err
		}
		resp.Results = append(resp.Results, result)
	}
	return resp, nil
}

// session is a logtest session. It keeps the ruleset that it was started with.
type session struct {
	id   string
	used time.Time // guarded by sessions.mu

	mu     sync.Mutex
	tester tester
}

// tester evaluates lines one after the other; *logtest.Session is one.
type tester interface {
	Test(line string) logtest.Result
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
			return nil, status.Errorf(codes.NotFound, "no session %.64q: sessions end %s after their last use; ask without one to start anew", id, sessionLife)
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
	started := &session{id: hex.EncodeToString(random), used: now, tester: logtest.NewSession(engine, logtest.Options{Location: location})}
	s.byID[started.id] = started
	return started, nil
}

func (s *sessions) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// test evaluates a line; a panic of the engine ends the call, not the manager.
func (s *Service) test(in *session, line string) (out *armorv1.LogtestResult, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("the engine panicked on a line of logtest", "panic", r, "line", line, "stack", string(debug.Stack()))
			out, err = nil, status.Errorf(codes.Internal, "the engine failed on this line; the manager's log says where: %v", r)
		}
	}()
	r := in.tester.Test(line)
	return &armorv1.LogtestResult{
		Json: valid(string(r.JSON())), RuleId: uint32(r.RuleID), Level: uint32(r.Level), Description: valid(r.Description), Alert: r.Alert,
	}, nil
}

// valid makes UTF-8 of a text that may hold bytes of a log or of a rule file.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
