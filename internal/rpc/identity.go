package rpc

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Role is what a caller is, and so what it may reach.
type Role int

// The roles. The zero value is no role.
const (
	// RoleAgent is an agent with a client certificate: it hands over events and nothing else.
	RoleAgent Role = iota + 1
	// RoleService is another Armor service with a client certificate.
	RoleService
	// RoleOperator is a person with a client certificate.
	RoleOperator
	// RoleLocal is a caller that holds the token, or is in this process.
	RoleLocal
)

// String gives the name that the role has in a certificate's URI; RoleLocal is "local".
func (r Role) String() string {
	switch r {
	case RoleAgent:
		return "agent"
	case RoleService:
		return "service"
	case RoleOperator:
		return "operator"
	case RoleLocal:
		return "local"
	default:
		return "none"
	}
}

// Identity is who calls.
type Identity struct {
	// Role is what the caller is.
	Role Role
	// ID is the agent's id, or the service's or operator's name; empty for RoleLocal.
	ID string
}

// String gives role and id for log lines, such as "agent/web-1".
func (i Identity) String() string {
	if i.ID == "" {
		return i.Role.String()
	}
	return i.Role.String() + "/" + i.ID
}

// URI is the form of the identity that certificates carry, such as armor://agent/web-1.
func (i Identity) URI() *url.URL {
	return &url.URL{Scheme: uriScheme, Host: i.Role.String(), Path: "/" + i.ID}
}

const uriScheme = "armor"

// selfAgent is the id of the process itself: no certificate may carry it.
const selfAgent = "000"

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate reports an identity that no certificate may carry.
func (i Identity) Validate() error {
	switch i.Role {
	case RoleAgent, RoleService, RoleOperator:
	default:
		return fmt.Errorf("role %q has no certificates", i.Role)
	}
	if !idPattern.MatchString(i.ID) {
		return fmt.Errorf("%s id %q: use 1 to 64 of A-Z a-z 0-9 _ -", i.Role, i.ID)
	}
	if i.Role == RoleAgent && i.ID == selfAgent {
		return fmt.Errorf("agent id %s is kept for the process itself: choose another", selfAgent)
	}
	return nil
}

// identityOf reads the identity out of a verified certificate. There must be exactly one URI of ours.
func identityOf(cert *x509.Certificate) (Identity, error) {
	var found *url.URL
	for _, uri := range cert.URIs {
		if uri.Scheme != uriScheme {
			continue
		}
		if found != nil {
			return Identity{}, fmt.Errorf("the certificate of %q carries two armor:// URIs", cert.Subject.CommonName)
		}
		found = uri
	}
	if found == nil {
		return Identity{}, errors.New("the client certificate carries no armor:// URI: make it with `armor certs init`")
	}
	id := Identity{ID: strings.TrimPrefix(found.Path, "/")}
	for _, role := range []Role{RoleAgent, RoleService, RoleOperator} {
		if role.String() == found.Host {
			id.Role = role
		}
	}
	if found.RawQuery != "" || found.Fragment != "" || found.User != nil {
		return Identity{}, fmt.Errorf("the certificate's URI %q is not of the form armor://role/id", found)
	}
	if err := id.Validate(); err != nil {
		return Identity{}, fmt.Errorf("the certificate's URI %q: %w", found, err)
	}
	return id, nil
}

type identityKey struct{}

// IdentityFrom says who makes the call that ctx belongs to. It is false only for calls that need no identity (health and
// reflection) and outside of calls.
func IdentityFrom(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(Identity)
	return id, ok
}

// WithIdentity gives a context that IdentityFrom reads id from, for calling a service's methods without a connection.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}
