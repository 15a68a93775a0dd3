package command

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	armorv1 "armor/proto/armor/v1"
)

// alertSource answers questions about alerts: a running service, or a store that is opened for the purpose.
type alertSource interface {
	search(context.Context, *armorv1.SearchAlertsRequest) (*armorv1.SearchAlertsResponse, error)
	aggregate(context.Context, *armorv1.AggregateAlertsRequest) (*armorv1.AggregateAlertsResponse, error)
	close() error
}

// refused makes a question that was put wrongly a usage error.
func refused(err error) error {
	if status.Code(err) == codes.InvalidArgument {
		return usage(errors.New(status.Convert(err).Message()))
	}
	return err
}

// service is a running AlertService.
type service struct {
	conn   *grpc.ClientConn
	client armorv1.AlertServiceClient
}

func (s service) search(ctx context.Context, r *armorv1.SearchAlertsRequest) (*armorv1.SearchAlertsResponse, error) {
	return s.client.SearchAlerts(ctx, r)
}

func (s service) aggregate(ctx context.Context, r *armorv1.AggregateAlertsRequest) (*armorv1.AggregateAlertsResponse, error) {
	return s.client.AggregateAlerts(ctx, r)
}

func (s service) close() error { return s.conn.Close() }
