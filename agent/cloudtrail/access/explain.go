package access

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Kind of a problem.
type Kind int

// Kinds. All but Gone and Changed may pass without a change of the settings: somebody grants a permission, makes the bucket.
const (
	// Other is what no kind below is.
	Other Kind = iota
	// WrongRegion: the bucket or queue is elsewhere.
	WrongRegion
	// NoPermission: the policy does not allow it.
	NoPermission
	// NoCredentials: there are none, or AWS does not know them.
	NoCredentials
	// Missing: there is no such bucket or queue.
	Missing
	// Throttled: too many requests.
	Throttled
	// Unreachable: no answer.
	Unreachable
	// Gone: there is no such object.
	Gone
	// Changed: the object is no longer the one that was listed.
	Changed
)

// Problem is what AWS answered, in one sentence.
type Problem struct { //nolint:errname // what AWS answered is a problem, as a person says
	Kind Kind
	// Text says what was being done, what is wrong, and what to do.
	Text string
	// Region that the bucket is in, if the answer told.
	Region string
	cause  error
}

func (p *Problem) Error() string { return p.Text }

// Unwrap returns what the client said.
func (p *Problem) Unwrap() error { return p.cause }

// policy is where the permissions stand.
const policy = "docs/cloudtrail.md has the policy"

// Explain makes a Problem of an error of a client. doing names the permission that it takes, such as s3:ListBucket, and what it was
// wanted for, such as bucket trail. An error that is a Problem already, or the end of a context, comes back as it is.
func Explain(err error, permission, what string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	p := &Problem{cause: err}
	code, message := "", ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code, message = api.ErrorCode(), strings.TrimSpace(api.ErrorMessage())
	}
	status := 0
	if resp, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = resp.HTTPStatusCode()
		if r := resp.HTTPResponse(); r != nil && r.Response != nil {
			p.Region = r.Header.Get("X-Amz-Bucket-Region")
		}
	}
	operation := ""
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		operation = op.Operation()
	}
	p.Kind = kindOf(err, code, status)
	said := code
	if message != "" && message != code {
		said += ": " + message
	}
	switch p.Kind {
	case WrongRegion:
		p.Text = fmt.Sprintf("%s: it is in another region than the one that is set", what)
		if p.Region != "" {
			p.Text = fmt.Sprintf("%s: it is in region %s, which is not the one that is set; set region: %s", what, p.Region, p.Region)
		}
	case NoPermission:
		p.Text = fmt.Sprintf("%s: no permission for %s (%s); %s", what, permission, said, policy)
		if strings.Contains(err.Error(), "AssumeRole") {
			p.Text = fmt.Sprintf("%s: the role cannot be assumed (%s); its trust policy must name this caller, and the external id if it asks for one; %s", what, said, policy)
		}
	case NoCredentials:
		p.Text = fmt.Sprintf("%s: no valid AWS credentials (%s); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or run with a role", what, orElse(said, "none were found"))
	case Missing:
		p.Text = fmt.Sprintf("%s: it does not exist (%s); check its name and the region", what, orElse(said, fmt.Sprint("status ", status)))
	case Throttled:
		p.Text = fmt.Sprintf("%s: AWS asks for fewer requests (%s); trying again more slowly", what, orElse(said, fmt.Sprint("status ", status)))
	case Unreachable:
		p.Text = fmt.Sprintf("%s: no answer from AWS (%v)", what, root(err))
	case Gone:
		p.Text = what + ": the object is gone"
	case Changed:
		p.Text = what + ": the object has been replaced meanwhile"
	default:
		p.Text = fmt.Sprintf("%s: %s fails: %s", what, orElse(operation, permission), orElse(said, root(err).Error()))
	}
	p.Text = strings.Join(strings.Fields(p.Text), " ")
	return p
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// root is the innermost error: the outer ones repeat what is known.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// codes of AWS by their kinds.
var codes = map[string]Kind{
	"PermanentRedirect": WrongRegion, "AuthorizationHeaderMalformed": WrongRegion, "IllegalLocationConstraintException": WrongRegion, "BucketRegionError": WrongRegion,
	"AccessDenied": NoPermission, "AccessDeniedException": NoPermission, "AllAccessDisabled": NoPermission, "KMS.AccessDeniedException": NoPermission,
	"UnauthorizedOperation": NoPermission, "AuthorizationError": NoPermission, "Forbidden": NoPermission, "KmsAccessDenied": NoPermission,
	"InvalidAccessKeyId": NoCredentials, "SignatureDoesNotMatch": NoCredentials, "ExpiredToken": NoCredentials, "ExpiredTokenException": NoCredentials,
	"InvalidToken": NoCredentials, "InvalidClientTokenId": NoCredentials, "UnrecognizedClientException": NoCredentials, "RequestTimeTooSkewed": NoCredentials,
	"MissingAuthenticationToken": NoCredentials, "IncompleteSignature": NoCredentials,
	"NoSuchBucket": Missing, "QueueDoesNotExist": Missing, "AWS.SimpleQueueService.NonExistentQueue": Missing, "NonExistentQueue": Missing,
	"NoSuchKey": Gone, "NotFound": Gone, "PreconditionFailed": Changed, "InvalidRange": Changed,
}

func kindOf(err error, code string, status int) Kind {
	if kind, ok := codes[code]; ok {
		return kind
	}
	if _, throttled := throttles[code]; throttled || status == 429 || status == 503 {
		return Throttled
	}
	switch {
	case code == "301" || status == 301 || status == 307:
		return WrongRegion
	case status == 403:
		return NoPermission
	case status == 404:
		return Gone
	case status == 412 || status == 416:
		return Changed
	case status == 0 && isCredentials(err):
		return NoCredentials
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, context.DeadlineExceeded) || status >= 500 {
		return Unreachable
	}
	if status == 0 && code == "" {
		return Unreachable
	}
	return Other
}

var throttles = map[string]struct{}{
	"SlowDown": {}, "Throttling": {}, "ThrottlingException": {}, "ThrottledException": {}, "RequestThrottled": {}, "RequestThrottledException": {},
	"TooManyRequestsException": {}, "RequestLimitExceeded": {}, "BandwidthLimitExceeded": {}, "PriorRequestNotComplete": {}, "OverLimit": {}, "ServiceUnavailable": {},
}

// isCredentials says that no credentials could be had. The client has no type for it.
func isCredentials(err error) bool {
	return strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "failed to refresh cached credentials")
}
