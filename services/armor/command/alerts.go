package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/terminal"
)

func newAlerts() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "Search, count and watch alerts, and see what could not become one",
		Long: `Finds alerts in the store of a data directory: through the Armor that runs on it, else in the store itself.

Queries are field:value pairs with AND, OR, NOT and parentheses; values may hold *, numbers may be ranges, phrases are quoted:

  rule.level:>=5 AND NOT agent.name:test-*
  data.aws.userIdentity.userName:"ci-artifacts" OR source.ip:203.0.113.66`,
		Example: `  armor alerts search --since 24h --query 'rule.level:>=5'
  armor alerts search --json --limit 0 | jq -r '.rule.id' | sort | uniq -c
  armor alerts count --query 'rule.groups:amazon-ec2'
  armor alerts top source.ip --since 7d
  armor alerts watch --min-level 5
  armor alerts dead-letters list`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newAlertsSearch(), newAlertsCount(), newAlertsTop(), newAlertsWatch(), newDeadLetters())
	return cmd
}

// filterFlags say which alerts.
type filterFlags struct{ query, since, until string }

func (f *filterFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.query, "query", "q", "", "only alerts that match this `query`, such as 'rule.level:>=5'")
	cmd.Flags().StringVar(&f.since, "since", "", "only alerts of events at or after this `time`: 2026-11-23T02:40:00Z, 2026-11-23, or 24h, 7d before now")
	cmd.Flags().StringVar(&f.until, "until", "", "only alerts of events before this `time`")
}

// filter is the flags as a request; the query is checked by the store.
func (f *filterFlags) filter(now time.Time) (*armorv1.AlertFilter, error) {
	out := &armorv1.AlertFilter{Query: f.query}
	for _, bound := range []struct {
		name, text string
		into       **timestamppb.Timestamp
	}{{"--since", f.since, &out.Since}, {"--until", f.until, &out.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := parseTime(bound.text, now)
		if err != nil {
			return nil, usagef("%s: %w", bound.name, err)
		}
		*bound.into = timestamppb.New(at)
	}
	if f.since != "" && f.until != "" && !out.GetSince().AsTime().Before(out.GetUntil().AsTime()) {
		return nil, usagef("--since %s is not before --until %s: no alert can match", f.since, f.until)
	}
	return out, nil
}

// Pages: how many alerts one request brings, so that memory stays at this many, whatever the limit. Reading everything takes
// large ones: finding where to go on costs the store as much as reading a thousand.
const (
	searchPage = 500
	exportPage = 5000
)

func newAlertsSearch() *cobra.Command {
	var (
		connection connectionFlags
		flags      filterFlags
		asJSON     bool
		limit      int
	)
	cmd := &cobra.Command{
		Use:   "search",
		Short: "Print alerts, newest first",
		Long:  `Prints alerts, newest first: one line each for eyes, or with --json the alert document itself, one a line.`,
		Example: `  armor alerts search
  armor alerts search --query 'rule.id:80309' --since 2026-11-22
  armor alerts search --json --limit 0 > alerts.ndjson`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit %d: give a number, or 0 for all", limit)
			}
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			source, err := connection.alerts()
			if err != nil {
				return err
			}
			defer source.close()
			out := output(cmd)
			p := terminal.Buffered(out, cmd.OutOrStdout())
			shown := 0
			total, err := eachAlert(cmd.Context(), source, filter, limit, func(document string) error {
				shown++
				if asJSON {
					out.WriteString(document)
					return out.WriteByte('\n')
				}
				alert, err := readDocument(document)
				if err != nil {
					return err
				}
				p.Alert(alert)
				return nil
			})
			if flushErr := out.Flush(); err == nil {
				err = flushErr
			}
			if err != nil {
				return err
			}
			if !asJSON && total == 0 {
				terminal.New(cmd.ErrOrStderr()).Line("no alert matches")
			}
			if !asJSON && uint64(shown) < total {
				terminal.New(cmd.ErrOrStderr()).Line("%d of %d alerts; --limit 0 prints all", shown, total)
			}
			return nil
		},
	}
	connection.register(cmd)
	flags.register(cmd)
	jsonFlag(cmd, &asJSON, "the alert documents, one a line")
	cmd.Flags().IntVar(&limit, "limit", 50, "print at most this `many`; 0: all")
	return cmd
}

// eachAlert hands over up to limit documents (0: all), page by page, and says how many match in all.
func eachAlert(ctx context.Context, source alertSource, filter *armorv1.AlertFilter, limit int, each func(string) error) (total uint64, err error) {
	request := &armorv1.SearchAlertsRequest{Filter: filter}
	for left := limit; ; {
		request.PageSize = exportPage
		if limit > 0 {
			request.PageSize = uint32(min(left, searchPage))
		}
		response, err := source.search(ctx, request)
		if err != nil {
			return total, fmt.Errorf("search alerts: %w", refused(err))
		}
		total = max(total, response.GetTotal())
		for _, document := range response.GetDocuments() {
			if err := each(document); err != nil {
				return total, err
			}
		}
		left -= len(response.GetDocuments())
		request.PageToken = response.GetNextPageToken()
		if request.PageToken == "" || limit > 0 && left <= 0 {
			return total, nil
		}
	}
}

func newAlertsCount() *cobra.Command {
	var (
		connection connectionFlags
		flags      filterFlags
		asJSON     bool
	)
	cmd := &cobra.Command{
		Use:   "count",
		Short: "Print how many alerts there are",
		Example: `  armor alerts count
  armor alerts count --since 24h --query 'rule.level:>=5'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			source, err := connection.alerts()
			if err != nil {
				return err
			}
			defer source.close()
			response, err := source.aggregate(cmd.Context(), &armorv1.AggregateAlertsRequest{Filter: filter, Size: 1})
			if err != nil {
				return fmt.Errorf("count alerts: %w", refused(err))
			}
			p := terminal.New(cmd.OutOrStdout())
			if asJSON {
				p.Line(`{"count":%d}`, response.GetTotal())
			} else {
				p.Line("%d", response.GetTotal())
			}
			return nil
		},
	}
	connection.register(cmd)
	flags.register(cmd)
	jsonFlag(cmd, &asJSON, "as one JSON object")
	return cmd
}

func newAlertsTop() *cobra.Command {
	var (
		connection connectionFlags
		flags      filterFlags
		asJSON     bool
		size       int
	)
	cmd := &cobra.Command{
		Use:   "top [FIELD]",
		Short: "Count alerts by the values of a field, most frequent first",
		Long:  `Counts alerts by the values of a field: rule.description when none is named. An alert with several values counts for each.`,
		Example: `  armor alerts top
  armor alerts top source.ip --size 20
  armor alerts top data.aws.userIdentity.userName --query 'rule.level:>=5' --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			field := "rule.description"
			if len(args) == 1 {
				field = args[0]
			}
			if size < 1 || size > 1000 {
				return usagef("--size %d: give 1 to 1000", size)
			}
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			source, err := connection.alerts()
			if err != nil {
				return err
			}
			defer source.close()
			response, err := source.aggregate(cmd.Context(), &armorv1.AggregateAlertsRequest{Filter: filter, Field: field, Size: uint32(size)})
			if err != nil {
				return fmt.Errorf("count alerts by %s: %w", field, refused(err))
			}
			return printTop(cmd, response, field, asJSON)
		},
	}
	connection.register(cmd)
	flags.register(cmd)
	jsonFlag(cmd, &asJSON, "one JSON object per value: value, count")
	cmd.Flags().IntVar(&size, "size", 10, "at most this `many` values, up to 1000")
	return cmd
}

func printTop(cmd *cobra.Command, response *armorv1.AggregateAlertsResponse, field string, asJSON bool) error {
	out := output(cmd)
	table := terminal.NewTable(">Alerts", field)
	for _, b := range response.GetBuckets() {
		if asJSON {
			if err := writeJSON(out, struct {
				Value string `json:"value"`
				Count uint64 `json:"count"`
			}{b.GetKey(), b.GetCount()}); err != nil {
				return err
			}
			continue
		}
		table.Row(strconv.FormatUint(b.GetCount(), 10), b.GetKey())
	}
	if !asJSON {
		if response.GetOther() > 0 {
			table.Row(strconv.FormatUint(response.GetOther(), 10), "(others)")
		}
		p := terminal.Buffered(out, cmd.OutOrStdout())
		p.Table(table)
		p.Line("%d alerts", response.GetTotal())
	}
	return out.Flush()
}
