package document_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/indexer/document"
	armorv1 "armor/proto/armor/v1"
)

// The lists of a rule: requirements of a standard are together, other standards' stay groups, techniques' values occur once.
func TestRuleLists(t *testing.T) {
	c := func(standard string, requirements ...string) *armorv1.Compliance {
		return &armorv1.Compliance{Standard: standard, Requirements: requirements}
	}
	many := make([]*armorv1.Mitre, 20)
	manyIDs := make([]any, 20)
	for i := range many {
		many[i] = &armorv1.Mitre{Id: fmt.Sprint("T", i), Tactics: []string{"same", ""}}
		manyIDs[i] = many[i].Id
	}
	for name, test := range map[string]struct {
		rule       *armorv1.AlertRule
		want       map[string]any
		techniques []any
	}{
		"nothing": {rule: &armorv1.AlertRule{Compliance: []*armorv1.Compliance{nil, c("cis"), c("gdpr", "")}, Groups: []string{""}}},
		"standards": {
			rule: &armorv1.AlertRule{Groups: []string{"a{", "", "b"}, Compliance: []*armorv1.Compliance{
				c("cis", "1", "2{"), c("iso", "9", ""), c("pci_dss", "10.1"), c("", "x"), c("tsc", "CC6.1", "", "CC7"), c("iso", "10")}},
			want: map[string]any{"groups": []any{"a{", "b", "iso_9", "iso_", "_x", "iso_10"},
				"cis": []any{"1", "2{"}, "pci_dss": []any{"10.1"}, "tsc": []any{"CC6.1", "CC7"}},
		},
		"twice": {
			rule: &armorv1.AlertRule{Compliance: []*armorv1.Compliance{
				c("gdpr", "1"), c("hipaa", "2"), c("gdpr", "", "3", "1"), c("gdpr"), c("nist_800_53"), c("gpg13", "4")}},
			want: map[string]any{"gdpr": []any{"1", "3", "1"}, "hipaa": []any{"2"}, "gpg13": []any{"4"}},
		},
		"techniques": {
			rule: &armorv1.AlertRule{Mitre: []*armorv1.Mitre{{Id: "T2", Technique: "x"}, nil,
				{Id: "T1", Tactics: []string{"b", "a", "b"}, Technique: "x"}, {Id: "T2", Tactics: []string{"a", "c"}}}},
			want: map[string]any{"mitre": map[string]any{
				"id": []any{"T2", "T1"}, "tactic": []any{"b", "a", "c"}, "technique": []any{"x"}}},
			techniques: []any{"T2", "T1"},
		},
		"no technique's id": {
			rule: &armorv1.AlertRule{Mitre: []*armorv1.Mitre{{}, nil, {Tactics: []string{"a"}}}},
			want: map[string]any{"mitre": map[string]any{"tactic": []any{"a"}}},
		},
		"many": {
			rule:       &armorv1.AlertRule{Mitre: many},
			want:       map[string]any{"mitre": map[string]any{"id": manyIDs, "tactic": []any{"same"}}},
			techniques: manyIDs,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct {
				Rule   map[string]any
				Threat struct{ Technique struct{ ID []any } }
			}
			doc := document.Append(nil, &armorv1.Alert{Rule: test.rule}, time.Time{})
			if err := json.Unmarshal(doc, &got); err != nil {
				t.Fatalf("%s: %v", doc, err)
			}
			want := map[string]any{"id": "0", "level": 0.0, "firedtimes": 0.0, "mail": false}
			maps.Copy(want, test.want)
			if diff := cmp.Diff(want, got.Rule); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.techniques, got.Threat.Technique.ID); diff != "" {
				t.Errorf("threat (-want +got):\n%s", diff)
			}
		})
	}
}
