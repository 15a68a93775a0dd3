package rpc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// The services that need no identity, so that a probe and a person with grpcurl find out what is there.
var open = map[string]bool{
	"grpc.health.v1.Health":                    true,
	"grpc.reflection.v1.ServerReflection":      true,
	"grpc.reflection.v1alpha.ServerReflection": true,
}

// What the roles reach beyond the open services. An operator reaches everything but ingest, the holder of the token everything.
var (
	agentServices = map[string]bool{
		"armor.v1.IngestService":     true,
		"armor.v1.EnrollmentService": true,
	}
	serviceServices = map[string]bool{
		"armor.v1.RulesetService": true,
		"armor.v1.FleetService":   true,
		"armor.v1.AlertService":   true,
		"armor.v1.StatusService":  true,
	}
)

// mayReach is the table of roles and services.
func mayReach(role Role, service string) bool {
	if open[service] {
		return true
	}
	switch role {
	case RoleAgent:
		return agentServices[service]
	case RoleService:
		return serviceServices[service]
	case RoleOperator:
		return service != "armor.v1.IngestService"
	case RoleLocal:
		return true
	default:
		return false
	}
}

// authenticator finds out who calls and whether they may.
type authenticator struct {
	log    *slog.Logger
	mutual bool
	token  *watched[string] // nil with mutual TLS
	told   *rate.Sometimes
}

func newAuthenticator(cfg ServerConfig, log *slog.Logger) (*authenticator, error) {
	a := &authenticator{log: log, mutual: cfg.TLS.CA != "", told: &rate.Sometimes{First: 10, Interval: time.Second}}
	if a.mutual {
		return a, nil
	}
	if _, err := LoadOrCreateToken(cfg.TokenFile); err != nil {
		return nil, err
	}
	token, err := watchToken(cfg.TokenFile, log)
	if err != nil {
		return nil, err
	}
	a.token = token
	return a, nil
}

// authorize returns ctx with the caller's identity, or the status that refuses the call. method is "/package.Service/Method".
func (a *authenticator) authorize(ctx context.Context, method string) (context.Context, error) {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	id, err := a.identify(ctx)
	if err != nil {
		if open[service] {
			return ctx, nil
		}
		a.tell(ctx, method, err)
		return nil, err
	}
	if !mayReach(id.Role, service) {
		err := status.Errorf(codes.PermissionDenied, "%s may not call %s", id, service)
		a.tell(ctx, method, err)
		return nil, err
	}
	return WithIdentity(ctx, id), nil
}

// tell logs a refused call, at most a few a second, so that a flood of them cannot fill the disk. Metrics count them all.
func (a *authenticator) tell(ctx context.Context, method string, err error) {
	from := "unknown"
	if p, ok := peer.FromContext(ctx); ok {
		from = p.Addr.String()
	}
	a.told.Do(func() {
		a.log.Warn("call refused", "method", method, "peer", from, "reason", status.Convert(err).Message())
	})
}

func (a *authenticator) identify(ctx context.Context) (Identity, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Identity{}, status.Error(codes.Unauthenticated, "the connection has no peer")
	}
	switch info := p.AuthInfo.(type) {
	case inProcessInfo:
		return info.identity, nil
	case credentials.TLSInfo:
		if chains := info.State.VerifiedChains; a.mutual && len(chains) > 0 && len(chains[0]) > 0 {
			id, err := identityOf(chains[0][0])
			if err != nil {
				return Identity{}, status.Error(codes.Unauthenticated, err.Error())
			}
			return id, nil
		}
	}
	if a.mutual {
		return Identity{}, status.Error(codes.Unauthenticated, "a client certificate is needed")
	}
	return a.byToken(ctx)
}

const bearer = "Bearer "

func (a *authenticator) byToken(ctx context.Context) (Identity, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("authorization")
	if len(values) == 0 {
		return Identity{}, status.Error(codes.Unauthenticated,
			"a token is needed: send `authorization: Bearer <token>` with the token file's content")
	}
	given, isBearer := values[0], false
	if len(given) > len(bearer) && strings.EqualFold(given[:len(bearer)], bearer) {
		given, isBearer = given[len(bearer):], true
	}
	// Hashing first makes the comparison independent of both lengths.
	want, got := sha256.Sum256([]byte(a.token.get())), sha256.Sum256([]byte(given))
	if len(values) > 1 || !isBearer || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return Identity{}, status.Error(codes.Unauthenticated, "the token is not this server's: read it from its token file")
	}
	return Identity{Role: RoleLocal}, nil
}

func (a *authenticator) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := a.authorize(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (a *authenticator) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := a.authorize(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return handler(srv, &contextStream{stream, ctx})
}

// contextStream is a stream with another context.
type contextStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *contextStream) Context() context.Context { return s.ctx }
