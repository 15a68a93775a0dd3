// Package access gets into AWS: it makes the clients of S3 and SQS out of a few settings, and turns what AWS answers into one clear
// sentence that says what to do.
package access

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// Options say who asks, and where. Credentials come from where every AWS program finds them: the environment, the shared files, the
// machine's role.
type Options struct {
	// Region of the bucket and the queue. Empty: the profile's or the environment's.
	Region string `yaml:"region"`
	// Profile of the shared configuration files.
	Profile string `yaml:"profile"`
	// RoleARN is a role to assume.
	RoleARN string `yaml:"role_arn"`
	// ExternalID goes with it, where the role's owner asks for one.
	ExternalID string `yaml:"external_id"`
	// SessionName shows in the owner's CloudTrail. Default armor.
	SessionName string `yaml:"session_name"`
	// RoleDuration is how long the role's credentials hold; they are renewed by themselves. Default 1h, 15m to 12h.
	RoleDuration time.Duration `yaml:"role_duration"`
	// Endpoints replace AWS's own.
	Endpoints Endpoints `yaml:"endpoints"`
	// PathStyle puts the bucket's name into the path rather than into the host name, as servers other than AWS want it.
	PathStyle bool `yaml:"path_style"`
}

// Endpoints are URLs: of VPC endpoints, or of servers that speak as AWS does.
type Endpoints struct {
	S3  string `yaml:"s3"`
	SQS string `yaml:"sqs"`
	STS string `yaml:"sts"`
}

var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.+$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// Problems are the mistakes in the settings, each beginning with its key.
func (o *Options) Problems() (errs []error) {
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.RoleARN != "" && !roleARN.MatchString(o.RoleARN) {
		add("role_arn: %q is no role, such as arn:aws:iam::123456789012:role/armor", o.RoleARN)
	}
	if o.RoleARN == "" {
		if o.ExternalID != "" {
			add("external_id: goes with role_arn, which is missing")
		}
		if o.RoleDuration != 0 {
			add("role_duration: goes with role_arn, which is missing")
		}
	}
	if o.SessionName != "" && !sessionName.MatchString(o.SessionName) {
		add("session_name: %q is not 2 to 64 of A-Z a-z 0-9 _ + = , . @ -", o.SessionName)
	}
	if o.RoleDuration != 0 && (o.RoleDuration < 15*time.Minute || o.RoleDuration > 12*time.Hour) {
		add("role_duration: %s is not 15m to 12h", o.RoleDuration)
	}
	for key, text := range map[string]string{"s3": o.Endpoints.S3, "sqs": o.Endpoints.SQS, "sts": o.Endpoints.STS} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			add("endpoints.%s: %q is no URL, such as https://s3.example.org", key, text)
		}
	}
	return errs
}

// Clients are connections to AWS.
type Clients struct {
	S3  *s3.Client
	SQS *sqs.Client
}

// attempts of one request before it counts as failed; the input waits longer and longer before it makes another.
const attempts = 4

// Connect makes the clients. It asks AWS nothing yet; an error is one of the settings.
func Connect(ctx context.Context, o Options) (*Clients, error) {
	load := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(so *retry.StandardOptions) { so.MaxAttempts, so.MaxBackoff = attempts, 5*time.Second })
		}),
		config.WithAppID("armor"),
		config.WithLogger(logging.Nop{}), // errors come as errors
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return nil, fmt.Errorf("profile %q is not in the shared configuration files: %w", o.Profile, missing)
	}
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region: set region, AWS_REGION, or one in the profile")
	}
	if o.RoleARN != "" {
		client := sts.NewFromConfig(cfg, func(so *sts.Options) { so.BaseEndpoint = endpoint(o.Endpoints.STS, so.BaseEndpoint) })
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, o.RoleARN, func(ro *stscreds.AssumeRoleOptions) {
			ro.RoleSessionName, ro.Duration = "armor", time.Hour
			if o.SessionName != "" {
				ro.RoleSessionName = o.SessionName
			}
			if o.RoleDuration != 0 {
				ro.Duration = o.RoleDuration
			}
			if o.ExternalID != "" {
				ro.ExternalID = aws.String(o.ExternalID)
			}
		}), func(co *aws.CredentialsCacheOptions) { co.ExpiryWindow = 5 * time.Minute })
	}
	return &Clients{
		S3: s3.NewFromConfig(cfg, func(so *s3.Options) {
			so.BaseEndpoint, so.UsePathStyle = endpoint(o.Endpoints.S3, so.BaseEndpoint), o.PathStyle
			// CloudTrail's objects have gzip's own checksum, and an object may be read in parts.
			so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}),
		SQS: sqs.NewFromConfig(cfg, func(so *sqs.Options) { so.BaseEndpoint = endpoint(o.Endpoints.SQS, so.BaseEndpoint) }),
	}, nil
}

func endpoint(ours string, theirs *string) *string {
	if ours == "" {
		return theirs
	}
	return aws.String(ours)
}
