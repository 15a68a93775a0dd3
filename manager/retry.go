package manager

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"armor/internal/alertstream"
	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
)

// retry evaluates the event of a dead letter again.
func (m *Manager) retry(ctx context.Context, letter *alertstream.Letter) error {
	ev := new(armorv1.Event)
	if err := proto.Unmarshal(letter.Data, ev); err != nil {
		return fmt.Errorf("the letter's bytes are no event: %w", err)
	}
	o := letter.Origin
	return m.pipeline.Again(ctx, pipeline.Agent{ID: o.AgentID, Name: o.AgentName, IP: o.AgentIP}, o.SpoolID, ev)
}
