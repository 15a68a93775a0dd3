package access

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// environment is one without anything of the machine's.
func environment(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("[profile here]\nregion = eu-west-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
}

func TestConnect(t *testing.T) {
	environment(t)
	if _, err := Connect(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "no AWS region") {
		t.Error(err)
	}
	if _, err := Connect(t.Context(), Options{Profile: "elsewhere"}); err == nil || !strings.Contains(err.Error(), `profile "elsewhere"`) {
		t.Error(err)
	}
	c, err := Connect(t.Context(), Options{Profile: "here"})
	if err != nil || c.S3.Options().Region != "eu-west-1" || c.SQS.Options().Region != "eu-west-1" {
		t.Error(c, err)
	}
	if _, err = Connect(t.Context(), Options{Region: "us-east-1", RoleARN: "arn:aws:iam::123456789012:role/x"}); err != nil {
		t.Error(err)
	}
}

func TestExplainWithoutAnAnswer(t *testing.T) {
	environment(t)
	c, err := Connect(t.Context(), Options{Region: "us-east-1", PathStyle: true, Endpoints: Endpoints{S3: "http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.S3.ListBuckets(t.Context(), nil)
	p, ok := errors.AsType[*Problem](Explain(err, "s3:ListAllMyBuckets", "buckets"))
	if !ok || p.Kind != NoCredentials || !strings.HasPrefix(p.Text, "buckets: no valid AWS credentials (none were found)") {
		t.Errorf("%+v", p)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	if c, err = Connect(t.Context(), Options{Region: "us-east-1", PathStyle: true, Endpoints: Endpoints{S3: "http://127.0.0.1:1"}}); err != nil {
		t.Fatal(err)
	}
	_, err = c.S3.ListBuckets(t.Context(), nil)
	if p, ok = errors.AsType[*Problem](Explain(err, "s3:ListAllMyBuckets", "buckets")); !ok || p.Kind != Unreachable || strings.Contains(p.Text, "\n") {
		t.Errorf("%+v", p)
	}
	if err := Explain(context.Canceled, "x", "y"); err != context.Canceled {
		t.Error(err)
	}
	if Explain(nil, "x", "y") != nil || !errors.Is(Explain(p, "x", "y"), p) {
		t.Error("not as it is")
	}
}
