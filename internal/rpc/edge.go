package rpc

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errStopping = status.Error(codes.Unavailable, ErrStopping.Error())

// edge turns what a method returned into a status: the only place where errors become codes by themselves.
type edge struct{ log *slog.Logger }

func (e edge) status(method string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok { // looks into wrapped errors too, and keeps their text
		return err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	e.log.Error("call failed", "method", method, "error", err)
	return status.Error(codes.Internal, err.Error())
}

func (e edge) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	resp, err := handler(ctx, req)
	return resp, e.status(info.FullMethod, err)
}

func (e edge) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return e.status(info.FullMethod, handler(srv, stream))
}

// recovery turns a panic of one call into an INTERNAL status of that call and a log line with the stack.
type recovery struct{ log *slog.Logger }

func (r recovery) recovered(method string, value any) error {
	r.log.Error("panic in a call", "method", method, "panic", value, "stack", string(debug.Stack()))
	return status.Error(codes.Internal, "the call hit a defect: the server's log has the details")
}

func (r recovery) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if value := recover(); value != nil {
			resp, err = nil, r.recovered(info.FullMethod, value)
		}
	}()
	return handler(ctx, req)
}

func (r recovery) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = r.recovered(info.FullMethod, value)
		}
	}()
	return handler(srv, stream)
}
