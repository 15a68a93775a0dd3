package command

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"armor/rules"
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
	// Children and Places are only there when one rule is shown.
	Children *int        `json:"children,omitempty"`
	Places   []rulePlace `json:"places,omitempty"`
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
		tree     bool
		group    string
		minLevel int
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List rules in the order of their ids",
		Example: `  armor rules list
  armor rules list --group amazon-ec2 --min-level 5
  armor rules list --tree
  armor rules list --json | jq -r 'select(.level >= 10) | .id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tree && (asJSON || group != "" || minLevel > 0) {
				return usagef("--tree shows all rules to a person; leave out --json, --group and --min-level")
			}
			rs, err := flags.load()
			if err != nil {
				return err
			}
			out := output(cmd)
			if tree {
				printTree(out, rs)
				return out.Flush()
			}
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
	cmd.Flags().BoolVar(&tree, "tree", false, "show the rules in the order in which they are tried, each under its parent")
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
		Short: "Show rules with their definition and their place in the tree",
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
				children := len(rs.Children(r))
				view.Children, view.Places = &children, placesOf(rs, r)
				if asJSON {
					if err := json.NewEncoder(out).Encode(view); err != nil {
						return err
					}
					continue
				}
				if i > 0 {
					fmt.Fprintln(out)
				}
				fmt.Fprintf(out, "%s  %s  %s\n%s\n", p.Bold("rule "+arg), p.Level(uint32(r.Level)), terminal.Clean(r.Description, 0),
					p.Dim(fmt.Sprintf("%s:%d  groups %s", r.File, r.Line, strings.Join(r.Groups, ","))))
				printPlaces(out, rs, r, view.Places)
				fmt.Fprintf(out, "\n%s\n", r.XML)
			}
			return out.Flush()
		},
	}
	flags.register(cmd.Flags())
	jsonFlag(cmd, &asJSON, "one JSON object per rule")
	return cmd
}
