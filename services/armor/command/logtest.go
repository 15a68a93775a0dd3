package command

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"armor/rules"
	"armor/rules/logtest"
	"armor/services/armor/terminal"
)

type logtestOptions struct {
	rules       rulesetFlags
	clock       clockFlag
	json, blank bool
	location    string
	agent       string
	trace       string
	why         []int
}

func newLogtest() *cobra.Command {
	var o logtestOptions
	cmd := &cobra.Command{
		Use:   "logtest",
		Short: "Show what decoders and rules make of lines from standard input",
		Long: `Reads events from standard input, one a line, and prints what became of each: header, decoder, fields, rule.
The lines share one session, so that rules which count events work; an empty line is skipped, or begins a fresh session with
--blank-line-resets. Nothing is stored and no alert is made.

With --json each result is one object on one line: predecoder, decoder, data, rule (id, level, description, groups, ...; absent when
no rule matched), alert, location, full_log; with --trace and --why also trace and why.

--trace shows every decoder and rule that was tried, with the condition that failed and the value it was tried on. What is only for another
program or decoder is summed up; --trace=all shows that too. --why RULE says why that rule was not the answer: at each place where it hangs
in the tree of rules, the first condition that failed, its own or that of a rule above it, or which rule won before it.`,
		Example: `  armor logtest < /var/log/auth.log
  echo 'Nov 23 02:40:01 web-1 sshd[411]: Failed password for root from 203.0.113.66 port 4022 ssh2' | armor logtest
  armor logtest --trace --why 200020 < /var/log/auth.log
  armor logtest --json --ruleset ./my-ruleset < events.json | jq -r '.rule.id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.rules.register(cmd.Flags())
	o.clock.register(cmd.Flags())
	jsonFlag(cmd, &o.json, "one JSON object per event")
	cmd.Flags().BoolVar(&o.blank, "blank-line-resets", false, "an empty line begins a fresh session, without history")
	cmd.Flags().StringVar(&o.location, "location", "stdin", "where the lines are said to be read")
	cmd.Flags().StringVar(&o.agent, "agent", "", "agent that reads them, as `ID` or ID:NAME (default: this process)")
	cmd.Flags().StringVar(&o.trace, "trace", "", "show what was tried on the way; `all`: also what is for other programs and decoders")
	cmd.Flags().Lookup("trace").NoOptDefVal = traceShort
	cmd.Flags().IntSliceVar(&o.why, "why", nil, "say why this `RULE` was not the answer (repeatable)")
	return cmd
}

// The values of --trace.
const (
	traceShort = "short"
	traceAll   = "all"
)

// explain reads --trace and --why.
func (o *logtestOptions) explain(rs *rules.Ruleset) (logtest.Explain, error) {
	e := logtest.Explain{Trace: o.trace != "", All: o.trace == traceAll, Why: o.why}
	if o.trace != "" && o.trace != traceShort && o.trace != traceAll {
		return e, usagef("--trace is %q; write --trace or --trace=all", o.trace)
	}
	for _, id := range o.why {
		if err := rs.Explainable(id); err != nil {
			return e, usagef("--why: %w; `armor rules list` shows those that are loaded", err)
		}
	}
	return e, nil
}

var agentID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// maxLine is the longest line that is evaluated, in bytes, as in an agent.
const maxLine = 1 << 20

func (o *logtestOptions) run(cmd *cobra.Command) error {
	id, name, _ := strings.Cut(o.agent, ":")
	if o.agent != "" && !agentID.MatchString(id) {
		return usagef("--agent %q: an id has 1 to 64 letters, digits, _ or -; write ID or ID:NAME", o.agent)
	}
	if name == "" {
		name = id
	}
	now, err := o.clock.now()
	if err != nil {
		return err
	}
	rs, err := o.rules.load()
	if err != nil {
		return err
	}
	explain, err := o.explain(rs)
	if err != nil {
		return err
	}
	printProblems(terminal.New(cmd.ErrOrStderr()), rs.Problems())
	begin := func() *logtest.Session {
		return logtest.NewSession(rules.NewEngine(rs, rules.EngineOptions{Now: now}),
			logtest.Options{Location: o.location, AgentID: id, AgentName: name})
	}

	out := output(cmd)
	in := bufio.NewReaderSize(cmd.InOrStdin(), 64<<10)
	session := begin()
	for number := 1; ; number++ {
		line, cut, err := readLine(in, maxLine)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return out.Flush()
			}
			return errors.Join(fmt.Errorf("read standard input: %w", err), out.Flush())
		}
		if cut {
			fmt.Fprintf(cmd.ErrOrStderr(), "armor: line %d is longer than %d bytes: its end was left out\n", number, maxLine)
		}
		if len(line) == 0 {
			if o.blank {
				session = begin()
			}
			continue
		}
		result, err := session.Explain(string(line), explain)
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if o.json {
			out.Write(result.JSON())
			out.WriteByte('\n')
		} else {
			fmt.Fprintln(out, result.Text())
		}
		if in.Buffered() == 0 { // whoever types, or feeds line by line, sees the answer at once
			if err := out.Flush(); err != nil {
				return err
			}
		}
		if cmd.Context().Err() != nil {
			return out.Flush()
		}
	}
}

// readLine reads a line without its end. What is beyond limit bytes is read and left out, and cut says so.
func readLine(r *bufio.Reader, limit int) (line []byte, cut bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if room := limit - len(line); len(bytes.TrimSuffix(part, []byte("\n"))) > room {
			part, cut = part[:max(room, 0)], true
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, cut, nil
		case err != nil:
			return nil, false, err
		}
		return bytes.TrimSuffix(line, []byte("\n")), cut, nil
	}
}
