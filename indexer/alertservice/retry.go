package alertservice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"armor/indexer/document"
	"armor/indexer/store"
	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

const (
	// retryLetters and retryBytes bound what is tried with one write to the store.
	retryLetters = 200
	retryBytes   = 8 << 20
)

// RetryDeadLetters tries dead letters again. An alert is written to the store, where its id makes it one however often that
// happens; an event is evaluated again by a manager. Only when that is done the letter is removed.
func (s *Service) RetryDeadLetters(req *armorv1.RetryDeadLettersRequest, out grpc.ServerStreamingServer[armorv1.RetryDeadLettersResponse]) error {
	ctx := out.Context()
	numbers := req.GetNumbers()
	switch {
	case len(numbers) == 0 && req.GetFilter() == nil:
		return status.Error(codes.InvalidArgument, "name the letters to retry: numbers, or a filter (an empty one means all)")
	case len(numbers) > 0 && req.GetFilter() != nil:
		return status.Error(codes.InvalidArgument, "numbers and filter are both given: choose one")
	case len(numbers) > maxLetters:
		return status.Errorf(codes.InvalidArgument, "%d numbers: at most %d at once", len(numbers), maxLetters)
	}
	f, err := letterFilter(req.GetFilter())
	if err != nil {
		return err
	}
	if err := s.needsStream(); err != nil {
		return err
	}
	r := &retry{service: s, send: out.Send}
	if len(numbers) > 0 {
		for _, n := range numbers {
			if err := r.add(ctx, n); err != nil {
				return err
			}
		}
		return r.flush(ctx)
	}
	for {
		list, next, _, err := s.stream.ListLetters(ctx, f, maxLetters)
		if err != nil {
			return letterFailure(ctx, err)
		}
		for _, l := range list {
			if err := r.add(ctx, l.Number); err != nil {
				return err
			}
		}
		if err := r.flush(ctx); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		f.From = next
	}
}

// retry gathers letters and tries them together.
type retry struct {
	service *Service
	send    func(*armorv1.RetryDeadLettersResponse) error

	letters []*alertstream.Letter
	docs    []store.Document
	bytes   int
}

// add takes a letter. What cannot be tried is answered at once.
func (r *retry) add(ctx context.Context, number uint64) error {
	letter, err := r.service.stream.Letter(ctx, number)
	switch {
	case errors.Is(err, alertstream.ErrNoLetter):
		return r.stays(number, "there is no such letter: it was retried or removed, or never there")
	case err != nil:
		return letterFailure(ctx, err)
	case letter.Incomplete:
		return r.stays(number, "parts of it are missing, because a process ended while it wrote or removed the letter; one that ended while writing has written another: look at it with `show`, then remove it")
	}
	switch letter.Kind() {
	case alertstream.AlertLetter:
	case alertstream.EventLetter:
		return r.event(ctx, letter)
	default:
		return r.stays(number, "this version of Armor does not know the reason "+letter.Reason+": ask a newer indexer")
	}
	alert, err := alertstream.Decode(letter.Data)
	if err != nil {
		return r.stays(number, err.Error())
	}
	r.letters = append(r.letters, letter)
	r.docs = append(r.docs, store.Document{
		ID: alert.GetId(), Time: document.Time(alert), Alert: alert, JSON: document.Append(nil, alert, time.Now()),
	})
	r.bytes += len(letter.Data)
	if len(r.letters) >= retryLetters || r.bytes >= retryBytes {
		return r.flush(ctx)
	}
	return nil
}

// event has a manager evaluate a letter's event again.
func (r *retry) event(ctx context.Context, letter *alertstream.Letter) error {
	if letter.Origin == nil {
		return r.stays(letter.Number, "it does not say whose event it holds, as those of earlier versions: run `armor agents replay` for its agent (the detail names it), then remove the letter")
	}
	if err := r.service.stream.RetryEvent(ctx, letter.Number); err != nil {
		return r.stays(letter.Number, err.Error())
	}
	return r.finished(ctx, letter)
}

// finished removes a letter whose content is finished, and says so.
func (r *retry) finished(ctx context.Context, letter *alertstream.Letter) error {
	if err := r.service.stream.RemoveLetter(ctx, letter); err != nil {
		return letterFailure(ctx, err)
	}
	r.service.log.Info("a dead letter was retried with success", "number", letter.Number, "letter", letter.ID)
	return r.send(&armorv1.RetryDeadLettersResponse{Number: letter.Number, Outcome: armorv1.DeadLetterOutcome_DEAD_LETTER_OUTCOME_FINISHED})
}

// flush writes what was gathered, removes the letters of what is stored, and answers for each.
func (r *retry) flush(ctx context.Context) error {
	if len(r.letters) == 0 {
		return nil
	}
	letters, docs := r.letters, r.docs
	r.letters, r.docs, r.bytes = nil, nil, 0
	results, err := r.write(ctx, docs)
	if err != nil {
		return r.service.failure(ctx, err)
	}
	for i, result := range results {
		letter := letters[i]
		switch result.Outcome {
		case store.Created, store.Duplicate:
			err = r.finished(ctx, letter)
		case store.Retry:
			err = r.stays(letter.Number, "the store does not take it at present, try again later: "+result.Reason)
		default:
			err = r.stays(letter.Number, result.Reason)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write stores documents; those that the store cannot map it gets once more with their data set aside.
func (r *retry) write(ctx context.Context, docs []store.Document) ([]store.Result, error) {
	results, err := r.service.store.Write(ctx, docs)
	if err != nil {
		return nil, err
	}
	if len(results) != len(docs) {
		return nil, fmt.Errorf("the store gave %d results for %d documents", len(results), len(docs))
	}
	var again []store.Document
	var places []int
	for i, result := range results {
		if result.Outcome == store.Demote {
			d := docs[i]
			d.JSON = document.AppendSetAside(nil, d.Alert, time.Now())
			again, places = append(again, d), append(places, i)
		}
	}
	if len(again) == 0 {
		return results, nil
	}
	second, err := r.service.store.Write(ctx, again)
	if err != nil {
		return nil, err
	}
	if len(second) != len(again) {
		return nil, fmt.Errorf("the store gave %d results for %d documents", len(second), len(again))
	}
	for n, result := range second {
		results[places[n]] = result
	}
	return results, nil
}

func (r *retry) stays(number uint64, reason string) error {
	return r.send(&armorv1.RetryDeadLettersResponse{
		Number: number, Outcome: armorv1.DeadLetterOutcome_DEAD_LETTER_OUTCOME_STAYS, Reason: reason,
	})
}
