package command

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/terminal"
)

func newAgents() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agents",
		Short: "List and show agents, and have one send again what it keeps",
		Long:  `Asks a manager which agents it knows, when it last heard of them, and how much of what they read is finished.`,
		Example: `  armor agents list
  armor agents show 001
  armor agents list --address manager:7401 --ca certs/ca.crt --certificate certs/operator.crt --key certs/operator.key`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newAgentsList(), newAgentsShow(), newAgentsReplay())
	return cmd
}

func newAgentsList() *cobra.Command {
	var (
		connection connectionFlags
		asJSON     bool
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List agents in the order of their ids",
		Example: `  armor agents list
  armor agents list --json | jq -r 'select(.state != "AGENT_STATE_CONNECTED") | .id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conn, err := connection.dial()
			if err != nil {
				return err
			}
			defer conn.Close()
			client := armorv1.NewFleetServiceClient(conn)
			out := output(cmd)
			table := terminal.NewTable("ID", "Name", "State", "Last seen", ">Finished", ">Waiting", ">Lag", ">Spool", ">Lost", "Problems", "Version")
			request := &armorv1.ListAgentsRequest{}
			for {
				response, err := client.ListAgents(cmd.Context(), request)
				if err != nil {
					return fmt.Errorf("list agents: %w", err)
				}
				for _, a := range response.GetAgents() {
					if asJSON {
						line, err := protojson.Marshal(a)
						if err != nil {
							return err
						}
						out.Write(append(line, '\n'))
						continue
					}
					table.Row(a.GetId(), a.GetName(), stateName(a.GetState()), ago(a.GetLastSeen(), time.Now()),
						strconv.FormatUint(a.GetLastFinishedSequence(), 10), strconv.FormatUint(waiting(a), 10),
						lag(a, time.Now()), spoolUse(a), lostText(a), strings.Join(problems(a), "; "), a.GetVersion())
				}
				if request.PageToken = response.GetNextPageToken(); request.PageToken == "" {
					break
				}
			}
			if !asJSON {
				terminal.Buffered(out, cmd.OutOrStdout()).Table(table)
			}
			return out.Flush()
		},
	}
	connection.register(cmd)
	jsonFlag(cmd, &asJSON, "one JSON object per agent")
	return cmd
}

func newAgentsShow() *cobra.Command {
	var (
		connection connectionFlags
		asJSON     bool
	)
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one agent",
		Example: `  armor agents show 000
  armor agents show web-1 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := connection.dial()
			if err != nil {
				return err
			}
			defer conn.Close()
			response, err := armorv1.NewFleetServiceClient(conn).GetAgent(cmd.Context(), &armorv1.GetAgentRequest{Id: args[0]})
			if err != nil {
				return fmt.Errorf("show agent %s: %w", args[0], err)
			}
			a := response.GetAgent()
			p := terminal.New(cmd.OutOrStdout())
			if asJSON {
				line, err := protojson.Marshal(a)
				if err != nil {
					return err
				}
				p.Line("%s", line)
				return nil
			}
			for _, line := range [][2]string{
				{"id", a.GetId()}, {"name", a.GetName()}, {"state", stateName(a.GetState())}, {"address", a.GetIp()}, {"version", a.GetVersion()},
				{"manager", a.GetManagerName()}, {"first seen", clockTime(a.GetFirstSeen())}, {"last seen", clockTime(a.GetLastSeen())},
				{"spool", a.GetSpoolId()}, {"finished", strconv.FormatUint(a.GetLastFinishedSequence(), 10)}, {"waiting", strconv.FormatUint(waiting(a), 10)},
			} {
				p.Line("%-11s %s", line[0], terminal.Clean(line[1], 0))
			}
			printReport(p, a, time.Now())
			return nil
		},
	}
	connection.register(cmd)
	jsonFlag(cmd, &asJSON, "as one JSON object")
	return cmd
}

// waiting is how many events the agent has read that are not finished.
func waiting(a *armorv1.Agent) uint64 {
	if report := a.GetReport(); report != nil && a.GetState() == armorv1.AgentState_AGENT_STATE_CONNECTED {
		return report.GetSpooledEvents()
	}
	if a.GetLastKnownSequence() < a.GetLastFinishedSequence() {
		return 0
	}
	return a.GetLastKnownSequence() - a.GetLastFinishedSequence()
}

func stateName(s armorv1.AgentState) string {
	switch s {
	case armorv1.AgentState_AGENT_STATE_CONNECTED:
		return "connected"
	case armorv1.AgentState_AGENT_STATE_DISCONNECTED:
		return "disconnected"
	default:
		return "unknown"
	}
}

func clockTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return "never"
	}
	return t.AsTime().Local().Format(time.DateTime)
}

// ago is how long something lies back, roughly.
func ago(t *timestamppb.Timestamp, now time.Time) string {
	if t == nil {
		return "never"
	}
	d := now.Sub(t.AsTime())
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}
