package rpc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

// Dial prepares a connection. It is made at the first call, and again with jittered back-off (up to 10 s) when it breaks, so a
// server that is not there yet is no error here. The certificate files must load; the token file is read at each call.
func Dial(cfg ClientConfig, log *slog.Logger) (*grpc.ClientConn, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	creds, err := clientCredentials(cfg.TLS, log)
	if err != nil {
		return nil, err
	}
	options := append(clientOptions(), grpc.WithTransportCredentials(creds))
	if cfg.TokenFile != "" {
		options = append(options, grpc.WithPerRPCCredentials(tokenCredentials{cfg.TokenFile}))
	}
	conn, err := grpc.NewClient("dns:///"+cfg.Address, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the connection to %s: %w", cfg.Address, err)
	}
	return conn, nil
}

// clientOptions are what every client has.
func clientOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveMinimum * 2, Timeout: keepaliveTimeout, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.3, MaxDelay: 10 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxResponseBytes), grpc.MaxCallSendMsgSize(MaxRequestBytes)),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
	}
}

// tokenCredentials sends the token of a file with every call.
type tokenCredentials struct{ file string }

// GetRequestMetadata reads the file each time: it is small, and the server may have made it after we started.
func (c tokenCredentials) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := ReadToken(c.file)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the server may still make it
		return nil, status.Error(codes.Unavailable, err.Error())
	case err != nil:
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	return map[string]string{"authorization": bearer + token}, nil
}

// RequireTransportSecurity is false since ClientConfig.Validate lets plain text reach this machine only.
func (tokenCredentials) RequireTransportSecurity() bool { return false }

var _ credentials.PerRPCCredentials = tokenCredentials{}

// Retryable says whether a call that failed with err may do better later, with the same request.
func Retryable(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.ResourceExhausted, codes.Aborted, codes.DeadlineExceeded:
		return true
	default:
		return false
	}
}
