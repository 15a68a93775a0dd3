package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/terminal"
)

func newAgentsReplay() *cobra.Command {
	var (
		connection connectionFlags
		since      string
		asJSON     bool
	)
	cmd := &cobra.Command{
		Use:   "replay ID",
		Short: "Have an agent send finished events again that it still keeps",
		Long: `Has an agent send again what it keeps although it is finished (spool.keep in its configuration, 10 minutes by default), and
waits until all of it is evaluated.

This is for the case that the machine of NATS has crashed: with durability fast, alerts of the last two minutes that JetStream
had acknowledged may be gone (docs/reliability.md). The events are evaluated again under the same ids, so an alert that is there
already is not stored twice; windows of correlation rules are left alone.`,
		Example: `  armor agents replay web-1
  armor agents replay web-1 --since 5m`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			request := &armorv1.ReplayAgentRequest{Id: args[0]}
			if since != "" {
				at, err := parseTime(since, time.Now())
				if err != nil {
					return usagef("--since: %w", err)
				}
				request.Since = timestamppb.New(at)
			}
			conn, err := connection.dial()
			if err != nil {
				return err
			}
			defer conn.Close()
			stream, err := armorv1.NewFleetServiceClient(conn).ReplayAgent(cmd.Context(), request)
			if err != nil {
				return fmt.Errorf("replay agent %s: %w", args[0], err)
			}
			bar := newBar(cmd.ErrOrStderr(), "replayed")
			var last *armorv1.ReplayAgentResponse
			for {
				response, err := stream.Recv()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					bar.clear()
					return fmt.Errorf("replay agent %s: %w", args[0], err)
				}
				last = response
				bar.show(response.GetSent(), response.GetTotal())
			}
			bar.clear()
			p := terminal.New(cmd.OutOrStdout())
			switch {
			case asJSON:
				p.Line(`{"agent":%q,"events":%d}`, args[0], last.GetTotal())
			case last.GetTotal() == 0:
				p.Line("agent %s keeps no finished events of that time (spool.keep in its configuration)", terminal.Clean(args[0], 0))
			default:
				p.Line("agent %s: %d events replayed; alerts that were there already are not stored twice", terminal.Clean(args[0], 0), last.GetTotal())
			}
			return nil
		},
	}
	connection.register(cmd)
	cmd.Flags().StringVar(&since, "since", "", "only events read at or after this `time`: 2026-11-23T02:40:00Z, or 5m before now")
	jsonFlag(cmd, &asJSON, "the count as one JSON object")
	return cmd
}

// bar shows how far something is, on a terminal only.
type bar struct {
	out  io.Writer
	word string
	on   bool
	wide int
}

func newBar(out io.Writer, word string) *bar {
	return &bar{out: out, word: word, on: isTerminal(out)}
}

const barWidth = 30

func (b *bar) show(done, total uint64) {
	if !b.on || total == 0 {
		return
	}
	full := int(min(done, total) * barWidth / total)
	line := fmt.Sprintf("%s%s %d of %d %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done, total, b.word)
	fmt.Fprintf(b.out, "\r%-*s", b.wide, line)
	b.wide = len(line)
}

func (b *bar) clear() {
	if b.on && b.wide > 0 {
		fmt.Fprintf(b.out, "\r%-*s\r", b.wide, "")
	}
}
