package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

// status answers with the components of the manager's process (of all of Armor under `armor up`) and, where they are others, of this process. Without an
// answer of the manager it says why in manager_error, if there is something to show all the same.
func (c *Console) status(w http.ResponseWriter, r *http.Request) error {
	answer, away := c.managerStatus(r.Context())
	if away != nil && c.parts == nil {
		return away
	}
	if answer == nil {
		answer = &armorv1.GetProcessStatusResponse{}
	}
	have := map[string]bool{}
	for _, part := range answer.GetComponents() {
		have[part.GetName()] = true
	}
	if c.parts != nil {
		for _, part := range c.parts() {
			if !have[part.GetName()] {
				answer.Components = append(answer.Components, part)
			}
		}
	}
	return writeWith(w, answer, away)
}

func (c *Console) managerStatus(ctx context.Context) (*armorv1.GetProcessStatusResponse, error) {
	if c.manager.missing() {
		return nil, noManager()
	}
	ctx, cancel := context.WithTimeout(ctx, managerTimeout)
	defer cancel()
	answer, err := c.manager.process.GetProcessStatus(ctx, &armorv1.GetProcessStatusRequest{})
	if err != nil {
		return nil, describeManager(err)
	}
	return answer, nil
}

// writeWith writes a message as JSON and, when the manager is away, why.
func writeWith(w http.ResponseWriter, m proto.Message, away error) error {
	if away == nil {
		return writeProto(w, m)
	}
	data, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if fields["manager_error"], err = json.Marshal(away.Error()); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	writeJSON(w, http.StatusOK, fields)
	return nil
}

// ruleset answers with which ruleset is in force and what its loader had to say.
func (c *Console) ruleset(w http.ResponseWriter, r *http.Request) error {
	if c.manager.missing() {
		return noManager()
	}
	ctx, cancel := context.WithTimeout(r.Context(), managerTimeout)
	defer cancel()
	answer, err := c.manager.ruleset.GetStatus(ctx, &armorv1.GetStatusRequest{})
	if err != nil {
		return describeManager(err)
	}
	return writeProto(w, answer)
}
