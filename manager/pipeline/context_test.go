package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
	"armor/rules/ruleset"
)

// shipped evaluates a line with Armor's own ruleset.
func shipped(t *testing.T) func(line string) *armorv1.AlertContext {
	t.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: ruleset.FS()})
	if err != nil {
		t.Fatal(err)
	}
	e := rules.NewEngine(rs, rules.EngineOptions{})
	return func(line string) *armorv1.AlertContext {
		var c armorv1.AlertContext
		setContext(&c, e.Evaluate(&rules.Event{Location: "test", Log: line}))
		return &c
	}
}

func TestContextOfCloudTrailRecords(t *testing.T) {
	evaluate := shipped(t)
	head := `{"integration":"aws","aws":{"log_info":{"log_file":"f"},"source":"cloudtrail","aws_account_id":"111111111111",`
	for name, tc := range map[string]struct {
		record string
		want   *armorv1.AlertContext
	}{
		"refused": {
			`"eventName":"StopInstances","eventSource":"ec2.amazonaws.com","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.44","errorCode":"Client.UnauthorizedOperation",` +
				`"userIdentity":{"type":"IAMUser","userName":"mallory"},"requestParameters":{"instancesSet":{"items":[{"instanceId":"i-0abc"}]},"force":false},"responseElements":null}}`,
			&armorv1.AlertContext{EventAction: "StopInstances", EventOutcome: "failure", SourceIp: "192.0.2.44", UserName: "mallory", CloudRegion: "eu-west-1", CloudAccountId: "111111111111", CloudInstanceId: "i-0abc"},
		},
		"two instances, by a service": {
			`"eventName":"TerminateInstances","sourceIPAddress":"autoscaling.amazonaws.com","recipientAccountId":"222222222222",` +
				`"userIdentity":{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"userName":"scaler"}}},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}}}`,
			&armorv1.AlertContext{EventAction: "TerminateInstances", EventOutcome: "success", UserName: "scaler", CloudAccountId: "222222222222"},
		},
		"root, IPv6": {
			`"eventName":"RunInstances","sourceIPAddress":"2001:DB8::1","userIdentity":{"type":"Root","accountId":"3"},"requestParameters":{"instanceId":"i-9"}}}`,
			&armorv1.AlertContext{EventAction: "RunInstances", EventOutcome: "success", SourceIp: "2001:db8::1", UserName: "root", CloudAccountId: "111111111111", CloudInstanceId: "i-9"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.EventModule, tc.want.EventDataset, tc.want.CloudProvider = "aws", "aws.cloudtrail", "aws"
			if diff := cmp.Diff(tc.want, evaluate(head+tc.record), protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestContextOfOtherLines(t *testing.T) {
	got := shipped(t)(`Nov 24 10:00:00 web sshd[123]: Failed password for root from 198.51.100.7 port 4242 ssh2`)
	want := &armorv1.AlertContext{SourceIp: "198.51.100.7", UserName: "root"}
	if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(&armorv1.AlertContext{}, "event_action")); diff != "" {
		t.Error(diff)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "AWS Internal": "", "": "", "fe80::1%eth0": "", "1.2.3": "", "2001:DB8::A": "2001:db8::a",
	} {
		if got := address(in); got != want {
			t.Errorf("address(%q) = %q, want %q", in, got, want)
		}
	}
}
