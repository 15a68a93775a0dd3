package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/terminal"
)

func newDeadLettersRetry() *cobra.Command {
	var (
		connection  connectionFlags
		flags       letterFlags
		asJSON, all bool
	)
	cmd := &cobra.Command{
		Use:   "retry NUMBER... | --reason REASON | --all",
		Short: "Try dead letters again, and remove those that succeed",
		Long: `Tries dead letters again: those of the numbers, of a reason, or all. An alert is written to the store; only when the store has it
its letter is removed, and what fails again stays as it is. Killed in between, the letter stays too, and the next retry finds the
alert by its id: it is never lost and never there twice.

An event (engine_panic, unpublishable_alert) is evaluated again by a manager, as a replay: rules that count do not count it anew.

Ends with 1 when a letter stays.`,
		Example: `  armor alerts dead-letters retry 17 18
  armor alerts dead-letters retry --reason unmappable
  armor alerts dead-letters retry --all --since 24h --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := letterNumbers(args)
			if err != nil {
				return err
			}
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			request := &armorv1.RetryDeadLettersRequest{Numbers: numbers}
			switch chosen := flags.reason != "" || all; {
			case len(numbers) > 0 && (chosen || flags.since != ""):
				return usagef("numbers and --reason, --since or --all exclude each other")
			case len(numbers) == 0 && !chosen:
				return usagef("name letters to retry by number, or choose them with --reason or --all")
			case len(numbers) == 0:
				request.Filter = filter
			}
			return connection.deadLetters(func(client armorv1.AlertServiceClient) error {
				return retryDeadLetters(cmd, client, request, asJSON)
			})
		},
	}
	connection.register(cmd)
	flags.register(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all letters (that --since and --reason leave)")
	jsonFlag(cmd, &asJSON, "one JSON object per letter: number, outcome, reason")
	return cmd
}

func retryDeadLetters(cmd *cobra.Command, client armorv1.AlertServiceClient, request *armorv1.RetryDeadLettersRequest, asJSON bool) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	stream, err := client.RetryDeadLetters(ctx, request)
	if err != nil {
		return fmt.Errorf("retry dead letters: %w", refused(err))
	}
	out := output(cmd)
	p := terminal.Buffered(out, cmd.OutOrStdout())
	finished, stay := 0, 0
	err = eachOutcome(stream, func(r *armorv1.RetryDeadLettersResponse) error {
		done := r.GetOutcome() == armorv1.DeadLetterOutcome_DEAD_LETTER_OUTCOME_FINISHED
		if done {
			finished++
		} else {
			stay++
		}
		switch {
		case asJSON:
			return writeMessage(out, r)
		case !done:
			p.Line("letter %d stays: %s", r.GetNumber(), terminal.Clean(r.GetReason(), 0))
		}
		return nil
	})
	if !asJSON {
		p.Line("%d finished, %d stay", finished, stay)
	}
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	switch {
	case err != nil:
		return err
	case stay > 0:
		return errFailed
	}
	return nil
}

func newDeadLettersRemove() *cobra.Command {
	var connection connectionFlags
	cmd := &cobra.Command{
		Use:     "remove NUMBER...",
		Short:   "Remove dead letters for good, without trying them",
		Long:    `Removes dead letters and the bytes that they hold. What they held is lost then: look at it first, or keep it with show --raw.`,
		Example: `  armor alerts dead-letters remove 17 18`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := letterNumbers(args)
			if err != nil {
				return err
			}
			return connection.deadLetters(func(client armorv1.AlertServiceClient) error {
				response, err := client.RemoveDeadLetters(cmd.Context(), &armorv1.RemoveDeadLettersRequest{Numbers: numbers})
				if err != nil {
					return fmt.Errorf("remove dead letters: %w", refused(err))
				}
				terminal.New(cmd.OutOrStdout()).Line("%d removed", response.GetRemoved())
				if int(response.GetRemoved()) < len(numbers) {
					terminal.New(cmd.ErrOrStderr()).Line("%d were not there", len(numbers)-int(response.GetRemoved()))
					return errFailed
				}
				return nil
			})
		},
	}
	connection.register(cmd)
	return cmd
}

// eachOutcome reads what came of each letter.
func eachOutcome(stream interface {
	Recv() (*armorv1.RetryDeadLettersResponse, error)
}, each func(*armorv1.RetryDeadLettersResponse) error) error {
	for {
		r, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("retry dead letters: %w", refused(err))
		}
		if err := each(r); err != nil {
			return err
		}
	}
}
