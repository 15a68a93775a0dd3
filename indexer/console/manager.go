package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

const (
	managerTimeout = 10 * time.Second
	maxAgents      = 5000 // agents shown; a larger fleet is told so
	agentsPage     = 1000
)

// managerClients are the manager's services; all nil without a manager.
type managerClients struct {
	fleet   armorv1.FleetServiceClient
	ruleset armorv1.RulesetServiceClient
	process armorv1.StatusServiceClient
}

func newManagerClients(conn *grpc.ClientConn) managerClients {
	if conn == nil {
		return managerClients{}
	}
	return managerClients{fleet: armorv1.NewFleetServiceClient(conn), ruleset: armorv1.NewRulesetServiceClient(conn), process: armorv1.NewStatusServiceClient(conn)}
}

func (m managerClients) missing() bool { return m.fleet == nil }

func noManager() error {
	return apiError{Kind: kindMissing, Message: "No manager is configured for this console: set manager.address in the indexer's configuration to see agents, rules and status.", status: http.StatusNotFound}
}

// agents answers with the fleet.
func (c *Console) agents(w http.ResponseWriter, r *http.Request) error {
	if c.manager.missing() {
		return noManager()
	}
	ctx, cancel := context.WithTimeout(r.Context(), managerTimeout)
	defer cancel()
	all := &armorv1.ListAgentsResponse{}
	for token := ""; ; {
		page, err := c.manager.fleet.ListAgents(ctx, &armorv1.ListAgentsRequest{PageSize: agentsPage, PageToken: token})
		if err != nil {
			return describeManager(err)
		}
		all.Agents = append(all.Agents, page.GetAgents()...)
		token = page.GetNextPageToken()
		all.NextPageToken = token
		if token == "" || len(all.Agents) >= maxAgents {
			return writeProto(w, all)
		}
	}
}

// rule answers with one rule and its XML.
func (c *Console) rule(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 32)
	if err != nil || id == 0 {
		return requestError(fmt.Sprintf("%q is no rule id", cut(r.PathValue("id"), 20)))
	}
	if c.manager.missing() {
		return noManager()
	}
	ctx, cancel := context.WithTimeout(r.Context(), managerTimeout)
	defer cancel()
	answer, err := c.manager.ruleset.GetRule(ctx, &armorv1.GetRuleRequest{Id: uint32(id)})
	if err != nil {
		return describeManager(err)
	}
	return writeProto(w, answer)
}

func writeProto(w http.ResponseWriter, m proto.Message) error {
	data, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the manager's answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the browser went away: nobody to tell
	return nil
}
