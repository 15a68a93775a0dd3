package main

import (
	"fmt"
	"time"
)

// caller is someone who calls AWS: who they are, from where, and with what.
type caller struct {
	account string
	user    string // IAM user name, or the session name of an assumed role
	role    string // role name; empty for an IAM user
	service string // AWS service that calls by itself, such as config.amazonaws.com
	key     string // access key id
	id      string // unique id behind the principal id
	ip      string
	agent   string
	mfa     bool
	console bool
	since   time.Time // when the session of an assumed role began
}

// Documentation accounts and addresses only (RFC 5737): nothing here belongs to anybody.
const (
	production  = "123456789012"
	development = "111122223333"
)

// arn is the caller's ARN.
func (c *caller) arn() string {
	if c.role != "" {
		return fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", c.account, c.role, c.user)
	}
	return fmt.Sprintf("arn:aws:iam::%s:user/%s", c.account, c.user)
}

// identity is the userIdentity of the caller's records.
func (c *caller) identity() object {
	switch {
	case c.service != "":
		return obj("type", "AWSService", "invokedBy", c.service)
	case c.role != "":
		return obj(
			"type", "AssumedRole",
			"principalId", c.id+":"+c.user,
			"arn", c.arn(),
			"accountId", c.account,
			"accessKeyId", c.key,
			"sessionContext", obj(
				"sessionIssuer", obj(
					"type", "Role",
					"principalId", c.id,
					"arn", fmt.Sprintf("arn:aws:iam::%s:role/%s", c.account, c.role),
					"accountId", c.account,
					"userName", c.role),
				"attributes", obj(
					"creationDate", stamp(c.since),
					"mfaAuthenticated", fmt.Sprint(c.mfa))))
	case c.user == "root":
		return obj("type", "Root", "principalId", c.account, "arn", "arn:aws:iam::"+c.account+":root",
			"accountId", c.account, "accessKeyId", "")
	default:
		return obj("type", "IAMUser", "principalId", c.id, "arn", c.arn(), "accountId", c.account,
			"accessKeyId", c.key, "userName", c.user)
	}
}

// stamp is a time as CloudTrail writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// people of the story.
type cast struct {
	pipeline *caller // deploys, in production
	operator *caller // works in the console
	scaler   *caller // the scheduled start and stop of the development account
	analyst  *caller // reads only; asks for more than they may
	stolen   *caller // a leaked key in the wrong hands
	config   *caller // the AWS Config service
	root     *caller
}

// newCast draws the people's ids.
func newCast(r *draw) cast {
	const (
		cli    = "aws-cli/2.31.8 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7 cfg/retry-mode#standard md/command#ec2"
		tf     = "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.15.0 aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.254.1"
		chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
		boto   = "Boto3/1.40.49 md/Botocore#1.40.49 ua/2.1 os/linux#5.15.0 md/arch#x86_64 lang/python#3.12.3 md/pyimpl#CPython"
	)
	return cast{
		pipeline: &caller{account: production, role: "deploy-pipeline", user: "release-418", id: r.unique("AROA"),
			ip: "192.0.2.44", agent: tf},
		operator: &caller{account: production, role: "Operations", user: "m.okafor@example.com", id: r.unique("AROA"),
			ip: "198.51.100.23", agent: chrome, mfa: true, console: true},
		scaler: &caller{account: development, role: "office-hours", user: "start-stop-development", id: r.unique("AROA"),
			ip: "192.0.2.71", agent: boto + " exec-env/AWS_Lambda_python3.12"},
		analyst: &caller{account: production, user: "s.lindgren", key: "AKIAIOSFODNN7EXAMPLE", id: r.unique("AIDA"),
			ip: "198.51.100.87", agent: cli},
		stolen: &caller{account: production, user: "ci-artifacts", key: "AKIAI44QH8DHBEXAMPLE", id: r.unique("AIDA"),
			ip: "203.0.113.66", agent: boto},
		config: &caller{account: production, service: "config.amazonaws.com", ip: "config.amazonaws.com", agent: "config.amazonaws.com"},
		root:   &caller{account: development, user: "root", ip: "198.51.100.23", agent: chrome, console: true},
	}
}

// newSessions begins the day's sessions of those who assume a role, with keys of their own.
func (c cast) newSessions(r *draw, day time.Time) {
	for who, hour := range map[*caller]time.Duration{c.pipeline: 6, c.operator: 8, c.scaler: 5} {
		who.since = day.Add(hour * time.Hour)
	}
	for _, who := range []*caller{c.pipeline, c.operator, c.scaler} {
		who.key = r.accessKey("ASIA")
	}
}
