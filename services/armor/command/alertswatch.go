package command

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/terminal"
)

func newAlertsWatch() *cobra.Command {
	var (
		connection       connectionFlags
		asJSON           bool
		minLevel, ruleID uint32
		agent            string
	)
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print alerts as they come, until Ctrl-C",
		Long: `Prints alerts as the manager publishes them, from now on. What a slow reader missed is counted and said; the store has it.
Needs a running Armor.`,
		Example: `  armor alerts watch
  armor alerts watch --min-level 5
  armor alerts watch --json | jq -r '.rule.description'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conn, err := connection.dial()
			if err != nil {
				return err
			}
			defer conn.Close()
			stream, err := armorv1.NewAlertServiceClient(conn).WatchAlerts(cmd.Context(),
				&armorv1.WatchAlertsRequest{MinLevel: minLevel, RuleId: ruleID, AgentId: agent})
			if err != nil {
				return fmt.Errorf("watch alerts: %w", err)
			}
			p := terminal.New(cmd.OutOrStdout())
			for {
				response, err := stream.Recv()
				switch {
				case cmd.Context().Err() != nil, errors.Is(err, io.EOF):
					return nil
				case status.Code(err) == codes.Unavailable:
					return errors.New("watch alerts: the Armor that was asked has stopped")
				case err != nil:
					return fmt.Errorf("watch alerts: %w", err)
				}
				if missed := response.GetMissed(); missed > 0 {
					terminal.New(cmd.ErrOrStderr()).Line("%d alerts were missed here because they came faster than they were read; the store has them", missed)
				}
				if asJSON {
					p.Line("%s", response.GetDocument())
					continue
				}
				alert, err := readDocument(response.GetDocument())
				if err != nil {
					return err
				}
				p.Alert(alert)
			}
		},
	}
	connection.register(cmd)
	jsonFlag(cmd, &asJSON, "the alert documents, one a line")
	cmd.Flags().Uint32Var(&minLevel, "min-level", 0, "only alerts of at least this `level`")
	cmd.Flags().Uint32Var(&ruleID, "rule", 0, "only alerts of this rule `id`")
	cmd.Flags().StringVar(&agent, "agent", "", "only alerts of this agent `id`")
	return cmd
}
