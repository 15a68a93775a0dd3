package uplink

import (
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	// ports differ from one attempt to the next, and would make each look like news.
	ports   = regexp.MustCompile(`(?:raw-)?(?:read|write) tcp \S+->\S+: `)
	wrapped = regexp.MustCompile(`^connection error: desc = "(.*)"$`)
	// vague is a connection that ends without the other side saying why.
	vague = regexp.MustCompile(`broken pipe|connection reset|EOF|use of closed network connection`)
)

// refusedTLS is what Go's TLS says when the other side does not accept us.
const refusedTLS = "remote error: tls:"

// explain is a session's end in words, the same words for the same cause, with the remedy where there is one.
func explain(err error) string {
	if err == nil {
		return "the manager ended the stream"
	}
	reason := status.Convert(err).Message()
	if m := wrapped.FindStringSubmatch(reason); m != nil {
		reason = strings.ReplaceAll(m[1], `\"`, `"`)
	}
	reason = ports.ReplaceAllString(reason, "")
	switch {
	case strings.Contains(reason, refusedTLS):
		reason += "; the manager does not accept manager.tls.certificate: was it made by the manager's authority, and is it still valid?"
	case strings.Contains(reason, "x509: "):
		reason += "; the manager's certificate does not pass manager.tls.ca: is that the authority that made it, and is manager.address a name in it?"
	case strings.Contains(reason, "first record does not look like a TLS handshake"):
		reason += "; the manager serves without certificates: remove manager.tls, or give the manager grpc.tls"
	case strings.Contains(reason, "error reading server preface") && vague.MatchString(reason):
		reason += "; something answers there and is no manager, or a manager that is not ready yet, or one that wants certificates (manager.tls)"
	}
	if code := status.Code(err); code != codes.Unknown {
		reason = code.String() + ": " + reason
	}
	return reason
}
