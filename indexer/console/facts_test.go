package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"armor/indexer/panels"
	armorv1 "armor/proto/armor/v1"
)

func TestFactsOfACall(t *testing.T) {
	said := func(document string) string {
		var parts []string
		for _, f := range facts([]byte(document)) {
			parts = append(parts, strings.TrimSpace(f.Label+" "+f.Text)+" ("+f.Field+"="+f.Value+")")
		}
		return strings.Join(parts, "; ")
	}
	for document, want := range map[string]string{
		`{"user":{"name":"Admin"},"cloud":{"region":"us-east-1","account":{"id":"1"}},"data":{"aws":{"eventName":"CreateUser","eventSource":"iam.amazonaws.com","sourceIPAddress":"192.0.2.1","errorCode":"AccessDenied","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/Admin/eve"}}}}`: "CreateUser (data.aws.eventName=); on iam (data.aws.eventSource=iam.amazonaws.com); by Admin (user.name=); session eve (data.aws.userIdentity.arn=arn:aws:sts::1:assumed-role/Admin/eve); " +
			"from 192.0.2.1 (data.aws.sourceIPAddress=); account 1 (cloud.account.id=); in us-east-1 (cloud.region=); error AccessDenied (data.aws.errorCode=)",
		`{"data":{"aws":{"eventName":"PutObject","awsRegion":"eu-west-1","userIdentity":{"type":"AWSService","invokedBy":"config.amazonaws.com"}}}}`: "PutObject (data.aws.eventName=); by config.amazonaws.com (data.aws.userIdentity.invokedBy=); in eu-west-1 (data.aws.awsRegion=)",
		// Shapes that nobody promised.
		`{"data":{"aws":{"eventName":"X","userIdentity":"root","sourceIPAddress":["a"],"errorCode":{"a":1},"recipientAccountId":12,"awsRegion":null}}}`: "X (data.aws.eventName=); account 12 (data.aws.recipientAccountId=)",
		`{"data":{"aws":"text"}}`: "", `{"data":[]}`: "", `{"data":{"srcip":"192.0.2.1"}}`: "", `{}`: "", `not JSON`: "",
	} {
		if got := said(document); got != want {
			t.Errorf("%s\n got %s\nwant %s", document, got, want)
		}
	}
	long := facts([]byte(`{"data":{"aws":{"eventName":"` + strings.Repeat("e", 5000) + `"}}}`))
	if len(long) != 1 || len(long[0].Text) > 500 || long[0].Field != "" {
		t.Errorf("a long value: %+v", long)
	}
}

func FuzzFacts(f *testing.F) {
	f.Add(`{"data":{"aws":{"eventName":1,"userIdentity":{"type":"AssumedRole","arn":"/"}}}}`)
	f.Add(`{"data":{"aws":{"eventName":"x","eventSource":".amazonaws.com"}}}`)
	f.Fuzz(func(t *testing.T, document string) {
		for _, one := range facts([]byte(document)) {
			if one.Text == "" {
				t.Errorf("an empty fact: %+v", one)
			}
		}
	})
}

func TestBoardsAndOrder(t *testing.T) {
	m := &memory{}
	m.put(seed(90, testNow, time.Minute)...)
	m.put(hit(hostile(testNow)[0]))
	c := newHandler(t, Config{}, Deps{Store: m})
	names := getJSON[struct{ Boards []boardName }](t, c, "/api/v1/boards")
	if len(names.Boards) != len(panels.Dashboards()) || names.Boards[0].Title != "Amazon EC2" {
		t.Errorf("%+v", names)
	}
	for _, name := range names.Boards {
		got := getJSON[board](t, c, "/api/v1/boards/"+name.ID)
		want := uint64(90)
		switch name.ID {
		case "armor-overview":
			want = 91
		case "hosts":
			want = 1
		}
		if got.Total != want || len(got.Rows) == 0 {
			t.Errorf("%s: %d alerts, %d rows", name.ID, got.Total, len(got.Rows))
		}
		if list := getJSON[struct{ Total uint64 }](t, c, "/api/v1/alerts?size=1&board="+name.ID); list.Total != want {
			t.Errorf("%s: the table has %d alerts", name.ID, list.Total)
		}
	}
	getError(t, c, "/api/v1/boards/none", http.StatusNotFound)
	getError(t, c, "/api/v1/alerts?board=none", http.StatusBadRequest)
	getError(t, c, "/api/v1/alerts?order=sideways", http.StatusBadRequest)
}

func TestStatusWithoutItsManager(t *testing.T) {
	indexer := func() []*armorv1.ComponentStatus {
		return []*armorv1.ComponentStatus{{Name: "indexer", Ready: true, Counters: map[string]uint64{"received": 3}}}
	}
	type state struct {
		Components []struct {
			Name  string
			Ready bool
		}
		ManagerError string `json:"manager_error"`
	}
	alone := getJSON[state](t, newHandler(t, Config{}, Deps{Store: &memory{}, Parts: indexer}), "/api/v1/status")
	if len(alone.Components) != 1 || !strings.Contains(alone.ManagerError, "manager.address") {
		t.Errorf("%+v", alone)
	}
	c := newHandler(t, Config{}, Deps{Store: &memory{}, Parts: indexer, Manager: dialManager(t, &managerStandIn{})})
	whole := getJSON[state](t, c, "/api/v1/status")
	if len(whole.Components) != 3 || whole.Components[2].Ready || whole.ManagerError != "" {
		t.Errorf("%+v", whole)
	}
}
