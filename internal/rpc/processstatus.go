package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// RegisterStatus adds StatusService: it asks each component at each call. A component may be called from many goroutines.
func RegisterStatus(s grpc.ServiceRegistrar, version string, start time.Time, components ...func() *armorv1.ComponentStatus) {
	armorv1.RegisterStatusServiceServer(s, &statusService{version: version, start: start, components: components})
}

type statusService struct {
	armorv1.UnimplementedStatusServiceServer
	version    string
	start      time.Time
	components []func() *armorv1.ComponentStatus
}

func (s *statusService) GetProcessStatus(context.Context, *armorv1.GetProcessStatusRequest) (*armorv1.GetProcessStatusResponse, error) {
	resp := &armorv1.GetProcessStatusResponse{Version: s.version, StartTime: timestamppb.New(s.start)}
	for _, component := range s.components {
		resp.Components = append(resp.Components, component())
	}
	return resp, nil
}
