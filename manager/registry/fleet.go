package registry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/manager/ingest"
	armorv1 "armor/proto/armor/v1"
)

const largestPage = 1000

// Fleet answers FleetService out of a Registry.
type Fleet struct {
	armorv1.UnimplementedFleetServiceServer

	registry *Registry
	replay   Replay
}

// Replay has an agent send its kept events again; ingest.Service.Replay is one.
type Replay func(ctx context.Context, agentID string, since *timestamppb.Timestamp, each func(sent, total uint64) error) error

// NewFleet makes the service.
func NewFleet(r *Registry, replay Replay) *Fleet { return &Fleet{registry: r, replay: replay} }

// ReplayAgent has an agent send its kept events again and tells the progress.
func (f *Fleet) ReplayAgent(req *armorv1.ReplayAgentRequest, stream armorv1.FleetService_ReplayAgentServer) error {
	got, err := f.GetAgent(stream.Context(), &armorv1.GetAgentRequest{Id: req.GetId()})
	if err != nil {
		return err
	}
	err = f.replay(stream.Context(), req.GetId(), req.GetSince(), func(sent, total uint64) error {
		return stream.Send(&armorv1.ReplayAgentResponse{Sent: sent, Total: total})
	})
	switch {
	case errors.Is(err, ingest.ErrNotHere) && got.GetAgent().GetState() == armorv1.AgentState_AGENT_STATE_CONNECTED:
		return status.Errorf(codes.Unavailable, "agent %s is connected to manager %s: ask that one", req.GetId(), got.GetAgent().GetManagerName())
	case errors.Is(err, ingest.ErrNotHere):
		return status.Errorf(codes.Unavailable, "agent %s is not connected; last seen %s", req.GetId(), got.GetAgent().GetLastSeen().AsTime().Format(time.RFC3339))
	case errors.Is(err, ingest.ErrReplaying):
		return status.Errorf(codes.AlreadyExists, "agent %s: %v: wait for its end", req.GetId(), err)
	case errors.Is(err, ingest.ErrReplayEnded):
		return status.Errorf(codes.Aborted, "agent %s: %v; what was sent is evaluated, and the replay may be begun again", req.GetId(), err)
	}
	return err
}

// ListAgents lists the agents of all managers in order of their id.
func (f *Fleet) ListAgents(ctx context.Context, req *armorv1.ListAgentsRequest) (*armorv1.ListAgentsResponse, error) {
	agents, err := f.all(ctx)
	if err != nil {
		return nil, err
	}
	size := int(min(req.GetPageSize(), largestPage))
	if size == 0 {
		size = largestPage
	}
	from, exact := slices.BinarySearchFunc(agents, req.GetPageToken(), func(a *armorv1.Agent, id string) int { return strings.Compare(a.GetId(), id) })
	if exact {
		from++ // the token is the last id of the page before
	}
	resp := &armorv1.ListAgentsResponse{Agents: agents[from:]}
	if len(resp.Agents) > size {
		resp.Agents = resp.Agents[:size]
		resp.NextPageToken = resp.Agents[size-1].GetId()
	}
	return resp, nil
}

// GetAgent shows one agent; NOT_FOUND for an unknown id.
func (f *Fleet) GetAgent(ctx context.Context, req *armorv1.GetAgentRequest) (*armorv1.GetAgentResponse, error) {
	if mine := f.registry.known()[req.GetId()]; mine != nil {
		return &armorv1.GetAgentResponse{Agent: mine}, nil
	}
	agent, _, err := f.registry.store.Get(ctx, req.GetId())
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "the agents' records cannot be read: %v", err)
	}
	if agent == nil {
		return nil, status.Errorf(codes.NotFound, "no agent %q is known; `armor agents list` shows those that are", req.GetId())
	}
	return &armorv1.GetAgentResponse{Agent: f.believed(agent)}, nil
}

// RemoveAgent is not offered yet.
func (f *Fleet) RemoveAgent(context.Context, *armorv1.RemoveAgentRequest) (*armorv1.RemoveAgentResponse, error) {
	return nil, status.Error(codes.Unimplemented, "this version does not remove agents: to shut one out, replace the certificate authority that signed its certificate")
}

// CreateEnrollmentToken is not offered yet.
func (f *Fleet) CreateEnrollmentToken(context.Context, *armorv1.CreateEnrollmentTokenRequest) (*armorv1.CreateEnrollmentTokenResponse, error) {
	return nil, status.Error(codes.Unimplemented, noEnrollment)
}

const noEnrollment = "this version has no enrolment: make certificates with `armor certs init`"

// all gives every agent, by id.
func (f *Fleet) all(ctx context.Context) ([]*armorv1.Agent, error) {
	agents, err := f.registry.store.List(ctx)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "the agents' records cannot be read: %v", err)
	}
	mine := f.registry.known()
	for i, a := range agents {
		if own := mine[a.GetId()]; own != nil {
			agents[i] = own
			delete(mine, a.GetId())
		} else {
			agents[i] = f.believed(a)
		}
	}
	for _, a := range mine { // not written yet
		agents = append(agents, a)
	}
	slices.SortFunc(agents, func(x, y *armorv1.Agent) int { return strings.Compare(x.GetId(), y.GetId()) })
	return agents, nil
}

// believed turns a record that says connected, but is old, or says that it is connected here, to disconnected.
func (f *Fleet) believed(a *armorv1.Agent) *armorv1.Agent {
	if a.GetState() != armorv1.AgentState_AGENT_STATE_CONNECTED {
		return a
	}
	if a.GetManagerName() == f.registry.manager || f.registry.now().Sub(a.GetLastSeen().AsTime()) > staleAfter {
		a.State = armorv1.AgentState_AGENT_STATE_DISCONNECTED
	}
	return a
}

// Enrollment answers EnrollmentService, which this version does not offer.
type Enrollment struct {
	armorv1.UnimplementedEnrollmentServiceServer
}

// Enroll is not offered yet.
func (Enrollment) Enroll(context.Context, *armorv1.EnrollRequest) (*armorv1.EnrollResponse, error) {
	return nil, status.Error(codes.Unimplemented, noEnrollment)
}
