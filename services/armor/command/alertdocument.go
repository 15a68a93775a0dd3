package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// readDocument takes out of an alert document what a line for eyes shows.
func readDocument(document string) (*armorv1.Alert, error) {
	var d struct {
		Timestamp time.Time `json:"@timestamp"`
		Rule      struct {
			ID          json.Number `json:"id"`
			Level       uint32      `json:"level"`
			Description string      `json:"description"`
		} `json:"rule"`
		Agent struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"agent"`
		User   struct{ Name string }   `json:"user"`
		Source struct{ IP string }     `json:"source"`
		Cloud  struct{ Region string } `json:"cloud"`
	}
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		return nil, fmt.Errorf("read an alert document: %w", err)
	}
	id, err := strconv.ParseUint(d.Rule.ID.String(), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read an alert document: rule.id: %w", err)
	}
	return &armorv1.Alert{
		Time:    timestamppb.New(d.Timestamp),
		Rule:    &armorv1.AlertRule{Id: uint32(id), Level: d.Rule.Level, Description: d.Rule.Description},
		Agent:   &armorv1.AlertAgent{Id: d.Agent.ID, Name: d.Agent.Name},
		Context: &armorv1.AlertContext{UserName: d.User.Name, SourceIp: d.Source.IP, CloudRegion: d.Cloud.Region},
	}, nil
}

// writeJSON writes a value on one line.
func writeJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}
