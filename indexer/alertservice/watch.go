package alertservice

import (
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"armor/indexer/document"
	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// watchBuffer is how many alerts a slow reader may be behind before some are left out and counted.
const watchBuffer = 1024

// WatchAlerts sends alerts as they are published, until the caller ends the call.
func (s *Service) WatchAlerts(req *armorv1.WatchAlertsRequest, out grpc.ServerStreamingServer[armorv1.WatchAlertsResponse]) error {
	if s.stream == nil {
		return status.Error(codes.Unavailable, "there are no live alerts here: no manager is running in this process or behind it")
	}
	ctx := out.Context()
	w, err := s.stream.Watch(ctx, alertstream.WatchFilter{
		MinLevel: int(req.GetMinLevel()), RuleID: int(req.GetRuleId()), AgentID: req.GetAgentId(),
	}, watchBuffer)
	if err != nil {
		return status.Errorf(codes.Unavailable, "watching alerts: %v", err)
	}
	defer w.Close()
	// The header tells the caller that the watch has begun: nothing from now on is left out uncounted.
	if err := out.SendHeader(nil); err != nil {
		return err
	}
	var buffer []byte
	for {
		a, missed, err := w.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return status.FromContextError(ctx.Err()).Err()
		case errors.Is(err, alertstream.ErrClosed):
			return status.Error(codes.Unavailable, "the connection to NATS was closed: watch again")
		case err != nil:
			return status.Errorf(codes.Unavailable, "watching alerts: %v", err)
		}
		buffer = document.Append(buffer[:0], a, time.Time{})
		if err := out.Send(&armorv1.WatchAlertsResponse{Document: strings.ToValidUTF8(string(buffer), "\uFFFD"), Missed: missed}); err != nil {
			return err
		}
	}
}
