package layout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	day := time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)
	at := time.Date(2024, 1, 2, 3, 5, 0, 0, time.UTC)
	const file = "111122223333_CloudTrail_us-east-1_20240102T0305Z_AbCdEf0123456789.json.gz"
	tests := map[string]Key{
		"AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/" + file: {Kind: Log, Account: "111122223333", Region: "us-east-1", Day: day, Time: at},
		"my/trail/AWSLogs/111122223333/CloudTrail/us-gov-west-1/2024/01/02/x.json": {
			Kind: Log, Root: "my/trail/", Account: "111122223333", Region: "us-gov-west-1", Day: day},
		"AWSLogs/o-abc1234567/111122223333/CloudTrail/us-east-1/2024/01/02/" + file: {
			Kind: Log, Organization: "o-abc1234567", Account: "111122223333", Region: "us-east-1", Day: day, Time: at},
		"o-abc1234567/AWSLogs/o-abc1234567/111122223333/CloudTrail/us-east-1/2024/01/02/" + file: {
			Kind: Log, Root: "o-abc1234567/", Organization: "o-abc1234567", Account: "111122223333", Region: "us-east-1", Day: day, Time: at},
		"o-abc1234567/AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/" + file: {
			Kind: Log, Root: "o-abc1234567/", Account: "111122223333", Region: "us-east-1", Day: day, Time: at},
		"AWSLogs/suffix/111122223333/CloudTrail/us-east-1/2024/01/02/" + file: {Kind: Log, Account: "111122223333", Region: "us-east-1", Day: day, Time: at},
		"AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2024/01/02/111122223333_CloudTrail-Digest_us-east-1_a_20200101T0000Z_b_us-east-1_20240102T030500Z.json.gz": {
			Kind: Digest, Account: "111122223333", Region: "us-east-1", Day: day, Time: at},
	}
	for key, want := range tests {
		got, ok := Parse(key)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s: %v %s", key, ok, diff)
		}
	}
	for _, key := range []string{
		"", "AWSLogs/", "AWSLogs/111122223333/Config/us-east-1/2024/1/2/ConfigHistory/x.json.gz", "logo.png",
		"AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2024/01/02/x.json.gz", "AWSLogs/111122223333/CloudTrail/us-east-1/2024/13/02/x.json.gz",
		"AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/x.png", "AWSLogs/11112222333/CloudTrail/us-east-1/2024/01/02/x.json.gz",
		"AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/sub/x.json.gz", "NotAWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/x.json.gz",
		"AWSLogs/111122223333/vpcflowlogs/us-east-1/2024/01/02/x.log.gz",
	} {
		if got, ok := Parse(key); ok || got.Kind != Other {
			t.Errorf("%s: taken for %+v", key, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/x_20240102T0305Z_y.json.gz")
	f.Fuzz(func(t *testing.T, key string) {
		k, ok := Parse(key)
		if ok != (k.Kind != Other) || ok && (k.Day.IsZero() || !IsAccount(k.Account)) {
			t.Errorf("%q: %+v", key, k)
		}
	})
}

func TestFolders(t *testing.T) {
	if !IsAccount("111122223333") || IsAccount("o-abc") || IsAccount("11112222333x") || !IsOrganization("o-abc") || IsOrganization("abc") {
		t.Error("folders")
	}
	if Folder("a/b/") != "b" || Folder("b") != "b" {
		t.Error("last folder")
	}
	p := Place{Prefix: "AWSLogs/1/CloudTrail/r/"}
	if got := p.From(time.Date(2024, 1, 2, 23, 0, 0, 0, time.UTC)); got != "AWSLogs/1/CloudTrail/r/2024/01/02" {
		t.Error(got)
	}
}
