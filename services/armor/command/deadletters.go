package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/terminal"
)

func newDeadLetters() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead-letters",
		Short: "See, retry and remove what could not be handled",
		Long: `What Armor cannot handle it does not throw away: its bytes are kept as a dead letter, with the reason, and the others go on.

  undecodable          what stood in the stream is no alert
  rejected             the store will never take the alert, such as one without an id
  unmappable           the store cannot map the alert, not even with its data set aside
  engine_panic         the rule engine failed on the event
  unpublishable_alert  the event's alert can never be published

Mend the cause, then retry: an alert that is stored loses its letter, one that fails again keeps it. A retry makes no second alert.
Needs a running Armor.`,
		Example: `  armor alerts dead-letters list
  armor alerts dead-letters show 17
  armor alerts dead-letters retry --reason unmappable
  armor alerts dead-letters remove 17`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newDeadLettersList(), newDeadLettersShow(), newDeadLettersRetry(), newDeadLettersRemove())
	return cmd
}

// letterFlags say which dead letters.
type letterFlags struct{ reason, since string }

func (f *letterFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.reason, "reason", "", "only letters of this `reason`, such as unmappable")
	cmd.Flags().StringVar(&f.since, "since", "", "only letters written at or after this `time`: 2026-11-23T02:40:00Z, 2026-11-23, or 24h, 7d before now")
}

func (f *letterFlags) filter(now time.Time) (*armorv1.DeadLetterFilter, error) {
	out := &armorv1.DeadLetterFilter{Reason: f.reason}
	if f.since != "" {
		at, err := parseTime(f.since, now)
		if err != nil {
			return nil, usagef("--since: %w", err)
		}
		out.Since = timestamppb.New(at)
	}
	return out, nil
}

// letterNumbers reads the numbers of letters.
func letterNumbers(args []string) ([]uint64, error) {
	var out []uint64
	for _, arg := range args {
		n, err := strconv.ParseUint(arg, 10, 64)
		if err != nil || n == 0 {
			return nil, usagef("%q is not the number of a dead letter: `armor alerts dead-letters list` shows them", arg)
		}
		out = append(out, n)
	}
	return out, nil
}

// deadLetters asks the service of a connection.
func (f *connectionFlags) deadLetters(ask func(armorv1.AlertServiceClient) error) error {
	conn, err := f.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return ask(armorv1.NewAlertServiceClient(conn))
}

func newDeadLettersList() *cobra.Command {
	var (
		connection connectionFlags
		flags      letterFlags
		asJSON     bool
		limit      int
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, oldest first",
		Example: `  armor alerts dead-letters list
  armor alerts dead-letters list --reason rejected --since 24h
  armor alerts dead-letters list --json --limit 0 | jq -r .reason | sort | uniq -c`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit %d: give a number, or 0 for all", limit)
			}
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			return connection.deadLetters(func(client armorv1.AlertServiceClient) error {
				return listDeadLetters(cmd, client, filter, limit, asJSON)
			})
		},
	}
	connection.register(cmd)
	flags.register(cmd)
	jsonFlag(cmd, &asJSON, "one JSON object per letter")
	cmd.Flags().IntVar(&limit, "limit", 50, "list at most this `many`; 0: all")
	return cmd
}

// letterPage is how many letters one request brings.
const letterPage = 500

func listDeadLetters(cmd *cobra.Command, client armorv1.AlertServiceClient, filter *armorv1.DeadLetterFilter, limit int, asJSON bool) error {
	out := output(cmd)
	p := terminal.Buffered(out, cmd.OutOrStdout())
	request := &armorv1.ListDeadLettersRequest{Filter: filter}
	shown, total := 0, uint64(0)
	for {
		request.PageSize = letterPage
		if limit > 0 {
			request.PageSize = uint32(min(limit-shown, letterPage))
		}
		response, err := client.ListDeadLetters(cmd.Context(), request)
		if err != nil {
			return fmt.Errorf("list dead letters: %w", refused(err))
		}
		if request.PageToken == "" {
			total = response.GetTotal()
		}
		table := terminal.NewTable(">Number", "Written", "Reason", ">Bytes", "Detail")
		for _, l := range response.GetLetters() {
			shown++
			if asJSON {
				if err := writeMessage(out, l); err != nil {
					return err
				}
				continue
			}
			table.Row(strconv.FormatUint(l.GetNumber(), 10), clockTime(l.GetTime()), l.GetReason(), strconv.FormatUint(l.GetSize(), 10), l.GetDetail())
		}
		if !asJSON && len(response.GetLetters()) > 0 {
			p.Table(table)
		}
		if request.PageToken = response.GetNextPageToken(); request.PageToken == "" || limit > 0 && shown >= limit {
			break
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	note := terminal.New(cmd.ErrOrStderr())
	switch {
	case asJSON:
	case shown == 0:
		note.Line("no dead letters")
	case request.PageToken != "":
		note.Line("%d of %d dead letters; --limit 0 lists all", shown, total)
	}
	return nil
}

// writeMessage writes a message as JSON on one line.
func writeMessage(out interface{ WriteString(string) (int, error) }, m proto.Message) error {
	text, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	_, err = out.WriteString(terminal.JSON(string(text)) + "\n")
	return err
}

func newDeadLettersShow() *cobra.Command {
	var (
		connection  connectionFlags
		asJSON, raw bool
	)
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show one dead letter with what it holds",
		Long: `Shows one dead letter: the reason, and what its bytes say. --raw writes the original bytes and nothing else: protobuf of
armor.v1.Alert or armor.v1.Event, or whatever came in place of it.`,
		Example: `  armor alerts dead-letters show 17
  armor alerts dead-letters show 17 --json | jq -r .document | jq .
  armor alerts dead-letters show 17 --raw > letter-17.bin`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := letterNumbers(args)
			if err != nil {
				return err
			}
			if asJSON && raw {
				return usagef("--json and --raw exclude each other")
			}
			return connection.deadLetters(func(client armorv1.AlertServiceClient) error {
				response, err := client.GetDeadLetter(cmd.Context(), &armorv1.GetDeadLetterRequest{Number: numbers[0]})
				if err != nil {
					return fmt.Errorf("show dead letter %d: %w", numbers[0], refused(err))
				}
				out := output(cmd)
				switch {
				case raw:
					_, err = out.Write(response.GetData())
				case asJSON:
					err = writeMessage(out, response)
				default:
					showDeadLetter(terminal.Buffered(out, cmd.OutOrStdout()), response)
				}
				if err != nil {
					return err
				}
				return out.Flush()
			})
		},
	}
	connection.register(cmd)
	jsonFlag(cmd, &asJSON, "as one JSON object; data are the bytes in base64, document is what they say")
	cmd.Flags().BoolVar(&raw, "raw", false, "write the original bytes and nothing else")
	return cmd
}

func showDeadLetter(p *terminal.Printer, r *armorv1.GetDeadLetterResponse) {
	l := r.GetLetter()
	kind := map[armorv1.DeadLetterKind]string{
		armorv1.DeadLetterKind_DEAD_LETTER_KIND_ALERT: "alert", armorv1.DeadLetterKind_DEAD_LETTER_KIND_EVENT: "event",
	}[l.GetKind()]
	for _, line := range [][2]string{
		{"number", strconv.FormatUint(l.GetNumber(), 10)}, {"written", clockTime(l.GetTime())}, {"reason", l.GetReason()}, {"kind", kind},
		{"detail", l.GetDetail()}, {"bytes", strconv.FormatUint(l.GetSize(), 10)}, {"id", l.GetId()},
	} {
		p.Line("%-8s %s", line[0], terminal.Clean(line[1], 0))
	}
	if r.GetIncomplete() {
		p.Line("parts of it are missing: %d bytes are here", len(r.GetData()))
	}
	p.Line("")
	var pretty bytes.Buffer
	if r.GetDocument() == "" || json.Indent(&pretty, []byte(r.GetDocument()), "", "  ") != nil {
		p.Line("its bytes cannot be read as what they should be (--raw writes them); they begin:")
		p.Line("%s", terminal.Clean(fmt.Sprintf("%q", r.GetData()[:min(len(r.GetData()), 200)]), 0))
		return
	}
	for line := range strings.Lines(pretty.String()) {
		p.Line("%s", terminal.Clean(strings.TrimSuffix(line, "\n"), 0))
	}
}
