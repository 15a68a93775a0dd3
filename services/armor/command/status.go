package command

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/datadir"
	"armor/services/armor/terminal"
)

func newStatus() *cobra.Command {
	var (
		connection connectionFlags
		asJSON     bool
	)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how the parts of a running Armor are, with their counters",
		Long: `Shows whether agent, manager and indexer do their work, and the counters that must balance when all is quiet:

  agent     recovered + read = receipted + spooled + dropped
  manager   accepted = alerted + silent + duplicate + failed
  indexer   received = indexed + duplicate + redelivered + dead_letter

Ends with 1 when a part is not ready or nothing is running.`,
		Example: `  armor status
  armor status --json
  armor status --address manager:7401 --ca certs/ca.crt --certificate certs/operator.crt --key certs/operator.key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conn, err := connection.dial()
			if errors.Is(err, errNotRunning) {
				return notRunning(cmd, connection.data, asJSON, err)
			}
			if err != nil {
				return err
			}
			defer conn.Close()
			response, err := armorv1.NewStatusServiceClient(conn).GetProcessStatus(cmd.Context(), &armorv1.GetProcessStatusRequest{})
			if err != nil {
				return fmt.Errorf("ask for the status: %w", err)
			}
			p := terminal.New(cmd.OutOrStdout())
			if asJSON {
				text, err := protojson.Marshal(response)
				if err != nil {
					return err
				}
				p.Line("%s", text)
			} else {
				printStatus(p, response)
			}
			for _, c := range response.GetComponents() {
				if !c.GetReady() {
					return errFailed
				}
			}
			return nil
		},
	}
	connection.register(cmd)
	jsonFlag(cmd, &asJSON, "as one JSON object")
	return cmd
}

// notRunning says what a data directory holds though nothing runs on it.
func notRunning(cmd *cobra.Command, path string, asJSON bool, cause error) error {
	dir, err := datadir.At(path)
	if err != nil {
		return usage(err)
	}
	if s, ok, err := dir.Store(); err == nil && ok && !asJSON {
		where := "embedded store, " + dir.Alerts()
		if s.Kind == datadir.Elasticsearch {
			where = "Elasticsearch, " + strings.Join(s.URLs, ", ")
		}
		terminal.New(cmd.OutOrStdout()).Line("alerts     %s", where)
	}
	return cause
}

func printStatus(p *terminal.Printer, s *armorv1.GetProcessStatusResponse) {
	p.Line("armor %s, running since %s", s.GetVersion(), s.GetStartTime().AsTime().Local().Format(time.DateTime))
	for _, c := range s.GetComponents() {
		state := "ready"
		if !c.GetReady() {
			state = "not ready: " + terminal.Clean(c.GetReason(), 0)
		}
		p.Line("")
		p.Line("%s  %s", p.Bold(c.GetName()), state)
		for _, name := range slices.Sorted(maps.Keys(c.GetCounters())) {
			p.Line("  %-28s %12d", name, c.GetCounters()[name])
		}
		for _, name := range slices.Sorted(maps.Keys(c.GetGauges())) {
			p.Line("  %-28s %12s", name, strconv.FormatFloat(c.GetGauges()[name], 'f', -1, 64))
		}
	}
}
