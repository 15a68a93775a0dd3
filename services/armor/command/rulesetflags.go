package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"armor/rules"
	"armor/rules/selection"
	"armor/services/armor/terminal"
)

// rulesetFlags choose the ruleset, with the same flags in every command.
type rulesetFlags struct{ selection.Config }

func (f *rulesetFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.Directory, "ruleset", "", "`directory` with decoders/, rules/ and lists/ (default: the built-in ruleset)")
	flags.StringArrayVar(&f.Overlays, "overlay", nil, "`directory` of the same form to load after it (repeatable)")
	flags.StringArrayVar(&f.Include, "include", nil, "load only the rule files that match this `glob` (repeatable)")
	flags.StringArrayVar(&f.Exclude, "exclude", nil, "leave out the rule files that match this `glob` (repeatable)")
	flags.StringArrayVar(&f.SetRuleDecoder, "set-rule-decoder", nil, "make a rule ask for another decoder: `RULE=DECODER`, such as 60000=json (repeatable)")
	flags.BoolVar(&f.Strict, "strict", false, "refuse a ruleset with warnings too")
	flags.StringVar(&f.Dialect, "dialect", "wazuh", "rule language of the files: wazuh or ossec")
}

// load reads the ruleset; a ruleset that does not load is a configuration error.
func (f *rulesetFlags) load() (*rules.Ruleset, error) {
	rs, err := f.Load()
	return rs, usage(err)
}

// printProblems shows the loader's warnings.
func printProblems(p *terminal.Printer, problems []rules.Problem) {
	for _, problem := range problems {
		p.Line("%s", terminal.Clean(problem.String(), 0))
	}
}

// clockFlag is a fixed time for the rules that look at the clock; unset: the system's.
type clockFlag struct{ text string }

func (f *clockFlag) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.text, "now", "", "`time` to run the rules at, such as 2026-11-23T02:40:00Z (default: the clock)")
}

// now is the clock to use; nil: the system's.
func (f *clockFlag) now() (func() time.Time, error) {
	if f.text == "" {
		return nil, nil
	}
	at, err := parseTime(f.text, time.Now())
	if err != nil {
		return nil, usagef("--now: %w", err)
	}
	return func() time.Time { return at }, nil
}

// parseTime reads a point in time: RFC 3339, a date with or without time (in local time), or a span before now such as 90m, 24h
// or 7d.
func parseTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	var days float64
	var rest string
	if n, _ := fmt.Sscanf(text, "%f%s", &days, &rest); n == 2 && days >= 0 && days < 1e5 {
		switch rest {
		case "d":
			return now.Add(-time.Duration(days * 24 * float64(time.Hour))), nil
		case "w":
			return now.Add(-time.Duration(days * 7 * 24 * float64(time.Hour))), nil
		}
	}
	if span, err := time.ParseDuration(text); err == nil && span >= 0 {
		return now.Add(-span), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-11-23T02:40:00Z, 2026-11-23, or a span before now such as 90m, 24h or 7d", text)
}

// jsonFlag adds --json.
func jsonFlag(cmd *cobra.Command, into *bool, what string) {
	cmd.Flags().BoolVar(into, "json", false, what)
}
