// Package command is the command line of armor: every command explains itself with examples, prints for eyes or as JSON, and
// ends with 0 (done), 1 (failed) or 2 (usage or configuration).
package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"armor/internal/daemon"
	"armor/rules"
	"armor/services/armor/terminal"
)

// IO is where a command reads and prints.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
}

// usage wraps a mistake in flags, arguments or configuration: exit code 2.
func usage(err error) error { return daemon.Usage(err) }

// usagef is usage with a message.
func usagef(format string, args ...any) error { return daemon.Usagef(format, args...) }

// errFailed ends with exit code 1 without a message: the command has said already what is wrong.
var errFailed = errors.New("failed")

// Run executes one command line and gives its exit code.
func Run(ctx context.Context, args []string, streams IO) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	switch {
	case errors.Is(err, errFailed):
		return daemon.ExitFailed
	case errors.Is(err, syscall.EPIPE): // the reader has seen enough, as with `| head`
		return daemon.ExitDone
	case err != nil:
		fmt.Fprintln(streams.Err, "armor:", message(err))
	}
	return daemon.ExitCode(err)
}

// message is an error as a person should see it.
func message(err error) string {
	var load *rules.LoadError
	if errors.As(err, &load) {
		return loadMessage(load)
	}
	text := err.Error()
	var call interface{ GRPCStatus() *status.Status }
	if errors.As(err, &call) { // without the form that gRPC gives its errors
		text = strings.Replace(text, fmt.Sprintf("rpc error: code = %s desc = ", call.GRPCStatus().Code()), "", 1)
	}
	return strings.TrimSpace(text)
}

// loadMessage shows everything that is wrong with a ruleset, what was only ignored too: it may be why the rest does not load.
func loadMessage(load *rules.LoadError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "the ruleset does not load: %d errors, %d warnings", count(load.Problems, rules.Error), count(load.Problems, rules.Warning))
	for _, p := range load.Problems {
		b.WriteString("\n" + terminal.Clean(p.String(), 0))
	}
	return b.String()
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "armor",
		Short: "Watch hosts and cloud accounts for attacks",
		Long: `Armor reads log lines and CloudTrail records, runs detection rules over them and keeps the alerts.

  armor up         runs all of it in this process: agent, manager, indexer, alert store and a web console
  armor alerts     finds and counts what was detected
  armor logtest    shows what the rules make of a line
  armor rules      lists, checks and tests rules
  armor kibana     installs dashboards in a Kibana over Elasticsearch

Commands that ask a running Armor find it through the data directory (--data, ./armor-data by default).
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.`,
		Example: `  armor up --cloudtrail ./AWSLogs          read CloudTrail files, print alerts and the console's address
  armor alerts top                         what fired most
  armor logtest < /var/log/auth.log        try the rules on a file`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w (see `%s --help`)", err, cmd.CommandPath())
	})
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run:"},
		&cobra.Group{ID: "ask", Title: "Ask a running Armor, or its data directory:"},
		&cobra.Group{ID: "rules", Title: "Rules:"},
		&cobra.Group{ID: "more", Title: "More:"},
	)
	root.SetHelpCommandGroupID("more")
	root.SetCompletionCommandGroupID("more")
	for group, commands := range map[string][]*cobra.Command{
		"run":   {newUp()},
		"ask":   {newAlerts(), newAgents(), newStatus()},
		"rules": {newLogtest(), newRules()},
		"more":  {newCloudtrail(), newKibana(), newBench(), newCerts(), newVersion()},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	checkArguments(root)
	return root
}

// checkArguments makes wrong arguments and unknown commands usage errors, everywhere.
func checkArguments(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args = knownCommand
		cmd.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usagef("%w (see `%s --help`)", err, c.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		checkArguments(sub)
	}
}

// knownCommand refuses the name of a command that does not exist, and names the nearest.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf(", did you mean %q?", near[0])
	}
	return errors.New(text)
}

// output is a command's buffered standard output; the caller flushes it.
func output(cmd *cobra.Command) *bufio.Writer { return bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10) }
