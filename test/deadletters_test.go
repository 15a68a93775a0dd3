package test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/alertstream"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

// What the indexer cannot handle is listed, shown, retried and removed with the built command, against a real NATS server.
func TestDeadLetterCommands(t *testing.T) {
	c := newCluster(t, "")
	c.nats = testenv.NATSProcess(t)
	stream, err := alertstream.Connect(t.Context(), alertstream.Config{URL: c.nats.URL()}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	raw, err := nats.Connect(c.nats.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	js, err := raw.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	good := &armorv1.Alert{
		Id: strings.Repeat("a", 32), Time: timestamppb.Now(), Rule: &armorv1.AlertRule{Id: 100100, Level: 5, Description: "good"},
		FullLog: []byte("\x1b[2J\u009b31mred\u202e"),
	}
	bad := proto.CloneOf(good)
	bad.Id = "no id at all!\x1b[2J"
	encode := func(a *armorv1.Alert) []byte {
		data, _, err := alertstream.Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, data := range [][]byte{[]byte("\x1b[2J garbage"), encode(bad)} {
		if _, err := js.Publish("armor.alerts.5.100100.001", data); err != nil {
			t.Fatal(err)
		}
	}
	// As a store wrote that could not map it: by now it can.
	if err := stream.DeadLetter(t.Context(), alertstream.ReasonUnmappable, encode(good), "mapper_parsing_exception \x1b[31m"); err != nil {
		t.Fatal(err)
	}
	c.startIndexer()
	eventually(t, "the indexer writes dead letters", c.reached("indexer", "dead_letter", 2))

	letters := func(args ...string) result {
		return call(t, "armor", append(append([]string{"alerts", "dead-letters"}, args...), c.access(c.indexerAddress, c.indexerToken())...)...)
	}
	harmless := func(what, text string) {
		t.Helper()
		if strings.ContainsAny(text, "\x1b\u009b\u202e\x00\r") {
			t.Errorf("%s does something to a terminal: %q", what, text)
		}
	}
	type letter struct{ Number, Reason, Detail, Kind string }
	list := func(args ...string) map[string]letter {
		t.Helper()
		out := letters(append([]string{"list", "--json"}, args...)...).must(t)
		harmless("list --json", out)
		found := map[string]letter{}
		for line := range strings.Lines(out) {
			var l letter
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			found[l.Reason] = l
		}
		return found
	}
	found := list()
	if len(found) != 3 || found["unmappable"].Number == "" || found["rejected"].Number == "" || found["undecodable"].Kind != "DEAD_LETTER_KIND_ALERT" {
		t.Fatalf("%v", found)
	}
	if got := list("--reason", "rejected", "--since", "1h"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if got := list("--since", "2999-01-01"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if r := letters("list", "--limit", "1"); strings.Count(r.out, "\n") != 2 || !strings.Contains(r.errors, "1 of 3") {
		t.Errorf("%q, %q", r.out, r.errors)
	}
	for reason, part := range map[string]string{"rejected": "no id at all!", "unmappable": `"description": "good"`, "undecodable": "garbage"} {
		for _, form := range [][]string{{}, {"--json"}} {
			out := letters(append([]string{"show", found[reason].Number}, form...)...).must(t)
			harmless("show "+reason, out)
			if len(form) == 0 && !strings.Contains(out, part) {
				t.Errorf("show %s: %q is not in %s", reason, part, out)
			}
		}
	}
	if out := letters("show", found["rejected"].Number, "--raw").must(t); out != string(encode(bad)) {
		t.Errorf("--raw: %q", out)
	}

	r := letters("retry", "--all")
	harmless("retry", r.out)
	if r.code != 1 || !strings.Contains(r.out, "1 finished, 2 stay") || !strings.Contains(r.out, "letter "+found["rejected"].Number+" stays") {
		t.Errorf("retry: code %d, %q, %q", r.code, r.out, r.errors)
	}
	if n, err := c.alerts(); err != nil || n != 1 {
		t.Errorf("%d alerts in the store, %v", n, err)
	}
	if out := letters("remove", found["rejected"].Number, found["undecodable"].Number).must(t); out != "2 removed\n" {
		t.Errorf("%q", out)
	}
	// As after a kill between storing and removing: the letter is there, and so is the alert.
	if err := stream.DeadLetter(t.Context(), alertstream.ReasonRejected, encode(good), "again"); err != nil {
		t.Fatal(err)
	}
	if out := letters("retry", list("--reason", "rejected")["rejected"].Number).must(t); out != "1 finished, 0 stay\n" {
		t.Errorf("%q", out)
	}
	if n, err := c.alerts(); err != nil || n != 1 {
		t.Errorf("%d alerts in the store, %v", n, err)
	}
	if r := letters("show", found["rejected"].Number); r.code != 1 || !strings.Contains(r.errors, "no such dead letter") {
		t.Errorf("code %d, %q", r.code, r.errors)
	}
	if r := letters("list"); r.code != 0 || r.out != "" || !strings.Contains(r.errors, "no dead letters") {
		t.Errorf("code %d, %q, %q", r.code, r.out, r.errors)
	}
	// An event on which the engine failed: without a manager it stays, with one it becomes its alert.
	event := &armorv1.Event{
		Sequence: 1, SourceId: []byte("one"), Time: timestamppb.Now(), Location: "trail", Format: armorv1.EventFormat_EVENT_FORMAT_JSON,
		Body: []byte(`{"integration":"aws","aws":{"source":"cloudtrail","eventSource":"ec2.amazonaws.com","eventName":"RunInstances"}}`),
	}
	data, err := proto.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	origin := alertstream.Origin{AgentID: "001", AgentName: "web", SpoolID: "s"}
	if err := stream.DeadEvent(t.Context(), alertstream.ReasonPanic, data, origin, "panic while matching"); err != nil {
		t.Fatal(err)
	}
	if r := letters("retry", "--reason", "engine_panic"); r.code != 1 || !strings.Contains(r.out, "no manager") {
		t.Errorf("code %d, %q, %q", r.code, r.out, r.errors)
	}
	c.startManager()
	eventually(t, "a manager evaluates the event again", func() error {
		if r := letters("retry", "--reason", "engine_panic"); r.out != "1 finished, 0 stay\n" {
			return fmt.Errorf("%q, %q", r.out, r.errors)
		}
		return nil
	})
	eventually(t, "its alert is stored", func() error {
		out := call(t, "armor", append([]string{"alerts", "count", "--query", "rule.id:80301 AND agent.name:web"}, c.access(c.indexerAddress, c.indexerToken())...)...).must(t)
		if out != "1\n" {
			return fmt.Errorf("%q", out)
		}
		return nil
	})
	if code := c.manager.interrupt(t); code != 0 {
		t.Errorf("the manager ended with %d", code)
	}
	if code := c.indexer.interrupt(t); code != 0 {
		t.Errorf("the indexer ended with %d", code)
	}
	r = letters("list")
	if r.code != 1 || !strings.Contains(r.errors, c.indexerAddress) {
		t.Errorf("nothing runs: code %d, %q", r.code, r.errors)
	}
	if r := call(t, "armor", "alerts", "dead-letters", "list", "--data", t.TempDir()); r.code != 1 || !strings.Contains(r.errors, "armor up") {
		t.Errorf("nothing runs: code %d, %q", r.code, r.errors)
	}
}
