package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"armor/rules"
	"armor/rules/rulestest"
	"armor/services/armor/terminal"
)

func newRules() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List, show, check and test rules",
		Long: `Works on the built-in ruleset, or on a directory's with --ruleset: decoders/, rules/ and lists/, as Wazuh and OSSEC have them.
Put your own rules into a directory of that form and load them after the built-in ones with --overlay.`,
		Example: `  armor rules list --group amazon
  armor rules show 80309
  armor rules lint --overlay ./my-rules
  armor rules test tests/*.ini`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newRulesList(), newRulesShow(), newRulesLint(), newRulesTest())
	return cmd
}

// ruleView is a rule as --json prints it.
type ruleView struct {
	ID          string   `json:"id"`
	Level       int      `json:"level"`
	Description string   `json:"description"`
	Groups      []string `json:"groups"`
	Parents     []int    `json:"parents,omitempty"`
	Mitre       []string `json:"mitre,omitempty"`
	File        string   `json:"file"`
	Line        int      `json:"line"`
	XML         string   `json:"xml,omitempty"`
}

func viewRule(r *rules.Rule) ruleView {
	v := ruleView{ID: strconv.Itoa(r.ID), Level: r.Level, Description: r.Description, Groups: r.Groups, Parents: r.Parents, File: r.File, Line: r.Line}
	for _, m := range r.Mitre {
		v.Mitre = append(v.Mitre, m.ID)
	}
	return v
}

func newRulesList() *cobra.Command {
	var (
		flags    rulesetFlags
		asJSON   bool
		group    string
		minLevel int
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List rules in the order of their ids",
		Example: `  armor rules list
  armor rules list --group amazon-ec2 --min-level 5
  armor rules list --json | jq -r 'select(.level >= 10) | .id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rs, err := flags.load()
			if err != nil {
				return err
			}
			out := output(cmd)
			table := terminal.NewTable(">ID", ">Level", "Description", "Groups", "File")
			for _, r := range rs.Rules() {
				if r.Level < minLevel || group != "" && !slices.Contains(r.Groups, group) {
					continue
				}
				if asJSON {
					if err := json.NewEncoder(out).Encode(viewRule(r)); err != nil {
						return err
					}
					continue
				}
				table.Row(strconv.Itoa(r.ID), strconv.Itoa(r.Level), r.Description, strings.Join(r.Groups, ","), fmt.Sprintf("%s:%d", r.File, r.Line))
			}
			if !asJSON {
				terminal.Buffered(out, cmd.OutOrStdout()).Table(table)
			}
			return out.Flush()
		},
	}
	flags.register(cmd.Flags())
	jsonFlag(cmd, &asJSON, "one JSON object per rule")
	cmd.Flags().StringVar(&group, "group", "", "only rules with this `group`")
	cmd.Flags().IntVar(&minLevel, "min-level", 0, "only rules of at least this `level`")
	return cmd
}

func newRulesShow() *cobra.Command {
	var (
		flags  rulesetFlags
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "show ID...",
		Short: "Show rules with their definition",
		Example: `  armor rules show 80309
  armor rules show --json 80301 80303`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rs, err := flags.load()
			if err != nil {
				return err
			}
			out := output(cmd)
			p := terminal.New(cmd.OutOrStdout())
			for i, arg := range args {
				id, err := strconv.Atoi(arg)
				if err != nil {
					return usagef("%q is no rule id: write a number, such as 80309", arg)
				}
				r, ok := rs.Rule(id)
				if !ok {
					return fmt.Errorf("there is no rule %d; `armor rules list` shows all", id)
				}
				view := viewRule(r)
				view.XML = r.XML
				if asJSON {
					if err := json.NewEncoder(out).Encode(view); err != nil {
						return err
					}
					continue
				}
				if i > 0 {
					fmt.Fprintln(out)
				}
				fmt.Fprintf(out, "%s  %s  %s\n%s\n\n%s\n", p.Bold("rule "+arg), p.Level(uint32(r.Level)), terminal.Clean(r.Description, 0),
					p.Dim(fmt.Sprintf("%s:%d  groups %s  under %v", r.File, r.Line, strings.Join(r.Groups, ","), r.Parents)), r.XML)
			}
			return out.Flush()
		},
	}
	flags.register(cmd.Flags())
	jsonFlag(cmd, &asJSON, "one JSON object per rule")
	return cmd
}

func newRulesLint() *cobra.Command {
	var (
		flags  rulesetFlags
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Check a ruleset: every mistake at once, with file and line",
		Long: `Loads the ruleset as a manager would and prints every finding as file:line: subject: message.
Ends with 2 when the ruleset does not load; with --strict warnings count too.`,
		Example: `  armor rules lint
  armor rules lint --ruleset ./ruleset --strict`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rs, err := flags.Load()
			var load *rules.LoadError
			var problems []rules.Problem
			switch {
			case errors.As(err, &load):
				problems = load.Problems
			case err != nil:
				return usage(err)
			default:
				problems = rs.Problems()
			}
			if err := printFindings(cmd, problems, asJSON); err != nil {
				return err
			}
			if load != nil {
				return usagef("the ruleset does not load: %d errors, %d warnings", count(problems, rules.Error), count(problems, rules.Warning))
			}
			if !asJSON {
				terminal.New(cmd.OutOrStdout()).Line("%d rules, %d decoders, %d lists in %d files; %d warnings; hash %s",
					len(rs.Rules()), rs.DecoderCount(), rs.ListCount(), len(rs.Files()), len(problems), rs.Hash())
			}
			return nil
		},
	}
	flags.register(cmd.Flags())
	jsonFlag(cmd, &asJSON, "one JSON object per finding")
	return cmd
}

func count(problems []rules.Problem, severity rules.Severity) (n int) {
	for _, p := range problems {
		if p.Severity == severity {
			n++
		}
	}
	return n
}

func printFindings(cmd *cobra.Command, problems []rules.Problem, asJSON bool) error {
	if !asJSON {
		printProblems(terminal.New(cmd.OutOrStdout()), problems)
		return nil
	}
	out := output(cmd)
	for _, p := range problems {
		severity := "warning"
		if p.Severity == rules.Error {
			severity = "error"
		}
		err := json.NewEncoder(out).Encode(struct {
			File     string `json:"file"`
			Line     int    `json:"line"`
			Subject  string `json:"subject,omitempty"`
			Message  string `json:"message"`
			Severity string `json:"severity"`
		}{p.File, p.Line, p.Subject, p.Message, severity})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

func newRulesTest() *cobra.Command {
	var flags rulesetFlags
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run rule test files and count what passed",
		Long: `Runs test files against the ruleset: sections with log lines and the rule, level and decoder that they must end in. Prints each
failure with what was expected and what came, and ends with "N passed, N failed". Ends with 1 when a test failed.`,
		Example: `  armor rules test tests/*.ini
  armor rules test --ruleset ./ruleset --set-rule-decoder 60000=json tests/*.ini`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			rs, err := flags.load()
			if err != nil {
				return err
			}
			p := terminal.New(cmd.OutOrStdout())
			var passed, failed int
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					return usagef("read the test file: %w", err)
				}
				report, err := rulestest.Runner{Ruleset: rs}.Run(cmd.Context(), file, data)
				if err != nil {
					return usage(err)
				}
				for _, f := range report.Failures() {
					p.Line("%s", terminal.Clean(f.String(), 0))
					p.Line("    %s", p.Dim(terminal.Clean(f.Log, 240)))
				}
				passed += report.Passed
				failed += report.Failed
			}
			p.Line("%d passed, %d failed", passed, failed)
			if failed > 0 {
				return errFailed
			}
			return nil
		},
	}
	flags.register(cmd.Flags())
	return cmd
}
