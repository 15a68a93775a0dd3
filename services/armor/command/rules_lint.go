package command

import (
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"armor/rules"
	"armor/rules/lint"
	"armor/services/armor/terminal"
)

func newRulesLint() *cobra.Command {
	var (
		flags  rulesetFlags
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Check a ruleset: every mistake at once, with file and line",
		Long: `Loads the ruleset as a manager would and prints every finding as file:line: subject: message [code]: what the loader skips or
ignores, and what loads but cannot be meant, such as rules that another always precedes. docs/rules.md lists the codes.
Ends with 2 when the ruleset does not load, or with --strict when there is any finding.`,
		Example: `  armor rules lint
  armor rules lint --ruleset ./ruleset --strict
  armor rules lint --json | jq -r 'select(.code == "unreachable") | .subject'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			strict := flags.Strict
			flags.Strict = false
			rs, err := flags.Load()
			var load *rules.LoadError
			var findings []lint.Finding
			switch {
			case errors.As(err, &load):
				findings = lint.FromLoader(load.Problems)
			case err != nil:
				return usage(err)
			default:
				findings = lint.Check(rs)
			}
			if err := printFindings(cmd, findings, asJSON); err != nil {
				return err
			}
			if load != nil {
				return usagef("the ruleset does not load: %d errors, %d warnings", count(load.Problems, rules.Error), count(load.Problems, rules.Warning))
			}
			if !asJSON {
				terminal.New(cmd.OutOrStdout()).Line("%d rules, %d decoders, %d lists in %d files; %d findings; hash %s",
					len(rs.Rules()), rs.DecoderCount(), rs.ListCount(), len(rs.Files()), len(findings), rs.Hash())
			}
			if strict && len(findings) > 0 {
				return usagef("%d findings, and --strict allows none", len(findings))
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

func printFindings(cmd *cobra.Command, findings []lint.Finding, asJSON bool) error {
	out := output(cmd)
	p := terminal.Buffered(out, cmd.OutOrStdout())
	for _, f := range findings {
		if !asJSON {
			p.Line("%s", terminal.Clean(f.String(), 0))
			continue
		}
		err := json.NewEncoder(out).Encode(struct {
			Code     lint.Code `json:"code"`
			File     string    `json:"file"`
			Line     int       `json:"line"`
			Subject  string    `json:"subject,omitempty"`
			Message  string    `json:"message"`
			Severity string    `json:"severity"`
		}{f.Code, f.File, f.Line, f.Subject, f.Message, f.Severity.String()})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}
