package alertservice

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// maxLetters is the most dead letters of one page, and of one list of numbers.
const maxLetters = 1_000

// ListDeadLetters lists dead letters, oldest first.
func (s *Service) ListDeadLetters(ctx context.Context, req *armorv1.ListDeadLettersRequest) (*armorv1.ListDeadLettersResponse, error) {
	f, err := letterFilter(req.GetFilter())
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	if size > maxLetters {
		return nil, status.Errorf(codes.InvalidArgument, "page_size is %d: at most %d", req.GetPageSize(), maxLetters)
	}
	if token := req.GetPageToken(); token != "" {
		if f.From, err = strconv.ParseUint(token, 10, 64); err != nil || f.From == 0 {
			return nil, status.Error(codes.InvalidArgument, "page_token is not one of this service: take it from an earlier answer")
		}
	}
	if err := s.needsStream(); err != nil {
		return nil, err
	}
	list, next, total, err := s.stream.ListLetters(ctx, f, size)
	if err != nil {
		return nil, letterFailure(ctx, err)
	}
	resp := &armorv1.ListDeadLettersResponse{Total: total}
	if next > 0 {
		resp.NextPageToken = strconv.FormatUint(next, 10)
	}
	for i := range list {
		resp.Letters = append(resp.Letters, deadLetter(&list[i]))
	}
	return resp, nil
}

// GetDeadLetter gives one dead letter with its bytes.
func (s *Service) GetDeadLetter(ctx context.Context, req *armorv1.GetDeadLetterRequest) (*armorv1.GetDeadLetterResponse, error) {
	if err := s.needsStream(); err != nil {
		return nil, err
	}
	letter, err := s.stream.Letter(ctx, req.GetNumber())
	if err != nil {
		return nil, letterFailure(ctx, err)
	}
	return &armorv1.GetDeadLetterResponse{
		Letter: deadLetter(letter), Data: letter.Data, Document: letterDocument(letter), Incomplete: letter.Incomplete,
	}, nil
}

// RemoveDeadLetters removes dead letters for good.
func (s *Service) RemoveDeadLetters(ctx context.Context, req *armorv1.RemoveDeadLettersRequest) (*armorv1.RemoveDeadLettersResponse, error) {
	switch n := len(req.GetNumbers()); {
	case n == 0:
		return nil, status.Error(codes.InvalidArgument, "numbers is empty: name the letters to remove")
	case n > maxLetters:
		return nil, status.Errorf(codes.InvalidArgument, "%d numbers: at most %d at once", n, maxLetters)
	}
	if err := s.needsStream(); err != nil {
		return nil, err
	}
	resp := &armorv1.RemoveDeadLettersResponse{}
	for _, number := range req.GetNumbers() {
		letter, err := s.stream.Letter(ctx, number)
		if errors.Is(err, alertstream.ErrNoLetter) {
			continue
		}
		if err == nil {
			err = s.stream.RemoveLetter(ctx, letter)
		}
		if err != nil {
			return nil, letterFailure(ctx, err)
		}
		s.log.Info("a dead letter was removed on demand", "number", number, "letter", letter.ID, "reason", letter.Reason, "bytes", letter.Size)
		resp.Removed++
	}
	return resp, nil
}

func (s *Service) needsStream() error {
	if s.stream == nil {
		return status.Error(codes.Unavailable, "dead letters are in NATS, and no Armor that is connected to it was asked: ask a running `armor up` or armor-indexer")
	}
	return nil
}

func letterFilter(f *armorv1.DeadLetterFilter) (alertstream.LetterFilter, error) {
	out := alertstream.LetterFilter{Reason: f.GetReason()}
	for _, r := range out.Reason {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", r) {
			return out, status.Errorf(codes.InvalidArgument, "filter.reason %q is not a reason: it has only letters, digits, - and _", f.GetReason())
		}
	}
	if t := f.GetSince(); t != nil {
		if !t.IsValid() {
			return out, status.Error(codes.InvalidArgument, "filter.since is not a time between the years 1 and 9999")
		}
		out.Since = t.AsTime()
	}
	return out, nil
}

// letterFailure makes a status of an error of the stream.
func letterFailure(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, alertstream.ErrNoLetter):
		return status.Errorf(codes.NotFound, "%v: it was retried or removed, or never there", err)
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Errorf(codes.Unavailable, "the dead letters cannot be reached: %v", err)
}

func deadLetter(l *alertstream.Letter) *armorv1.DeadLetter {
	out := &armorv1.DeadLetter{
		Number: l.Number, Id: strings.ToValidUTF8(l.ID, "?"), Reason: l.Reason, Detail: l.Detail, Time: timestamppb.New(l.Time), Size: l.Size,
	}
	switch l.Kind() {
	case alertstream.AlertLetter:
		out.Kind = armorv1.DeadLetterKind_DEAD_LETTER_KIND_ALERT
	case alertstream.EventLetter:
		out.Kind = armorv1.DeadLetterKind_DEAD_LETTER_KIND_EVENT
	}
	return out
}

// letterDocument is what the bytes say, as JSON; empty: they cannot be read.
func letterDocument(l *alertstream.Letter) string {
	switch l.Kind() {
	case alertstream.AlertLetter:
		if a, err := alertstream.Decode(l.Data); err == nil {
			return strings.ToValidUTF8(string(document.Append(nil, a, time.Time{})), "\uFFFD")
		}
	case alertstream.EventLetter:
		e := new(armorv1.Event)
		if proto.Unmarshal(l.Data, e) == nil {
			return eventDocument(e)
		}
	}
	return ""
}

// eventDocument is an event as JSON with its body as text, for eyes: the bytes themselves are beside it.
func eventDocument(e *armorv1.Event) string {
	body := string(e.GetBody())
	e.Body = nil
	fields, err := protojson.Marshal(e)
	if err != nil {
		return ""
	}
	var out map[string]any
	if json.Unmarshal(fields, &out) != nil {
		return ""
	}
	out["body"] = strings.ToValidUTF8(body, "\uFFFD")
	text, err := json.Marshal(out)
	if err != nil {
		return ""
	}
	return string(text)
}
