package agent

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"armor/agent/cloudtrail"
	"armor/agent/cloudtrail/cloudtest"
	"armor/internal/testenv"
)

// TestCloudTrailRefused: what AWS refuses is the reason of the agent's status and an event, that it is over is one too, and the
// report says how far the input is.
func TestCloudTrailRefused(t *testing.T) {
	cloudtest.Environment(t)
	cloud := cloudtest.New(t, testenv.Moto(t).URL())
	m, conn := newManager(t)
	source := &cloudtrail.Source{Bucket: "audit", Poll: time.Second, Options: cloud.Options()}
	a, stop := run(t, Config{
		Agent: Identity{ID: "a1"}, DataDir: filepath.Join(t.TempDir(), "data"), Conn: conn,
		Inputs: []InputConfig{{Type: "cloudtrail", Mode: cloudtrail.ModeBucket, AWS: source}},
	}, nil)
	const refusal = "bucket audit: it does not exist"
	until(t, m, "the refusal is told", func() bool { return strings.HasPrefix(strings.Join(m.kinds(t), " "), "input_unreadable") })
	if st := a.Status(); st.GetReady() || !strings.HasPrefix(st.GetReason(), refusal) {
		t.Errorf("status %v", st)
	}
	list, _ := m.told(t)
	if one := list[0].Armor; one.Input.Type != "cloudtrail" || one.Severity == "" || !strings.HasPrefix(one.Reason, refusal) || !strings.Contains(one.Message, refusal) {
		t.Errorf("told %+v", one)
	}

	now := time.Now().UTC()
	at := now.Add(-7 * time.Minute)
	cloud.Bucket("audit")
	cloud.Put("audit", fmt.Sprintf("AWSLogs/111122223333/CloudTrail/us-east-1/%s/111122223333_CloudTrail_us-east-1_%s_x.json", now.Format("2006/01/02"), now.Format("20060102T1504Z")),
		[]byte(strings.ReplaceAll(string(records(1, 3)), "2024-01-02T03:04:05Z", at.Format(time.RFC3339))))
	until(t, m, "all is read when it is over", func() bool {
		_, others := m.told(t)
		return len(others) == 3 && strings.Join(m.kinds(t), " ") == "input_unreadable input_readable"
	})
	until(t, m, "the report says so", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		in := m.report.GetInputs()
		return len(in) == 1 && in[0].GetProblem() == "" && in[0].GetEvents() == 3 && in[0].GetSources() == 1 && in[0].GetPending() == 0 &&
			in[0].GetLag().AsDuration() >= 7*time.Minute-time.Second && in[0].GetLag().AsDuration() < time.Hour
	})
	if st := a.Status(); !st.GetReady() {
		t.Errorf("status %v", st)
	}
	conserved(t, a)
	stop()
}
