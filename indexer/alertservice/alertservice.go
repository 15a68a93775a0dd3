// Package alertservice answers AlertService: it asks the store, and shows live alerts as the documents that the store will
// hold.
package alertservice

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/query"
	"armor/indexer/store"
	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// defaultPage is the size of a page when none is asked for.
const defaultPage = 50

// Service answers AlertService.
type Service struct {
	armorv1.UnimplementedAlertServiceServer
	store  store.Store
	stream *alertstream.Conn
	log    *slog.Logger
}

// New makes the service. Without a stream (nil) watching is UNAVAILABLE.
func New(s store.Store, stream *alertstream.Conn, log *slog.Logger) *Service {
	return &Service{store: s, stream: stream, log: log}
}

// pageBytes is how large the documents of one answer become: a page of larger ones is shorter than it was asked for, and the
// next goes on behind it. A document is never larger than that.
const pageBytes = 32 << 20

// SearchAlerts finds alerts, newest first.
func (s *Service) SearchAlerts(ctx context.Context, req *armorv1.SearchAlertsRequest) (*armorv1.SearchAlertsResponse, error) {
	f, err := filter(req.GetFilter())
	if err != nil {
		return nil, err
	}
	q := store.Search{Filter: f, Size: int(req.GetPageSize())}
	if q.Size == 0 {
		q.Size = defaultPage
	}
	if q.Size > store.MaxPage {
		return nil, status.Errorf(codes.InvalidArgument, "page_size is %d: at most %d", req.GetPageSize(), store.MaxPage)
	}
	var total uint64
	if q.After, total, err = decodeToken(req.GetPageToken()); err != nil {
		return nil, err
	}
	q.Uncounted = q.After != nil // the first page has counted
	page, err := s.store.Search(ctx, q)
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	if !q.Uncounted {
		total = page.Total
	}
	resp := &armorv1.SearchAlertsResponse{Total: total, NextPageToken: encodeToken(page.Next, total)}
	size := 0
	for i, h := range page.Hits {
		if size += len(h.JSON); size > pageBytes && i > 0 {
			last := page.Hits[i-1]
			resp.NextPageToken = encodeToken(&store.Position{Millis: last.Time.UnixMilli(), ID: last.ID}, total)
			break
		}
		resp.Documents = append(resp.Documents, strings.ToValidUTF8(string(h.JSON), "\uFFFD"))
	}
	return resp, nil
}

// AggregateAlerts counts alerts.
func (s *Service) AggregateAlerts(ctx context.Context, req *armorv1.AggregateAlertsRequest) (*armorv1.AggregateAlertsResponse, error) {
	f, err := filter(req.GetFilter())
	if err != nil {
		return nil, err
	}
	if req.GetSize() > store.MaxValues {
		return nil, status.Errorf(codes.InvalidArgument, "size is %d: at most %d", req.GetSize(), store.MaxValues)
	}
	a := store.Aggregation{Filter: f, Field: req.GetField(), Size: int(req.GetSize()), Interval: time.Duration(req.GetIntervalSeconds()) * time.Second}
	result, err := s.store.Aggregate(ctx, a)
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	resp := &armorv1.AggregateAlertsResponse{Total: result.Total, Other: result.Other}
	for _, b := range result.Buckets {
		bucket := &armorv1.AlertBucket{Key: strings.ToValidUTF8(b.Key, "\uFFFD"), Count: b.Count}
		for _, t := range b.Times {
			bucket.Times = append(bucket.Times, &armorv1.TimeBucket{Start: timestamppb.New(t.Start), Count: t.Count})
		}
		resp.Buckets = append(resp.Buckets, bucket)
	}
	return resp, nil
}

// filter reads a filter; the error is a status.
func filter(f *armorv1.AlertFilter) (store.Filter, error) {
	var out store.Filter
	n, err := query.Parse(f.GetQuery())
	if err != nil {
		return out, status.Error(codes.InvalidArgument, err.Error())
	}
	out.Query = n
	for name, t := range map[string]*timestamppb.Timestamp{"since": f.GetSince(), "until": f.GetUntil()} {
		if t != nil && !t.IsValid() {
			return out, status.Errorf(codes.InvalidArgument, "filter.%s is not a time between the years 1 and 9999", name)
		}
	}
	if t := f.GetSince(); t != nil {
		out.Since = t.AsTime()
	}
	if t := f.GetUntil(); t != nil {
		out.Until = t.AsTime()
	}
	return out, nil
}

// failure makes a status of a store's error: a question that makes no sense is INVALID_ARGUMENT, the caller's end is his,
// and a store that does not answer is UNAVAILABLE.
func (s *Service) failure(ctx context.Context, err error) error {
	var bad *store.RequestError
	var syntax *query.Error
	switch {
	case errors.As(err, &bad), errors.As(err, &syntax):
		return status.Error(codes.InvalidArgument, err.Error())
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	s.log.Warn("the alert store does not answer", "error", err)
	return status.Errorf(codes.Unavailable, "the alert store does not answer: %v", err)
}

// encodeToken makes a page token of a position and of the total that the first page has counted.
func encodeToken(p *store.Position, total uint64) string {
	if p == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatUint(total, 10) + " " + strconv.FormatInt(p.Millis, 10) + " " + p.ID))
}

func decodeToken(token string) (after *store.Position, total uint64, err error) {
	if token == "" {
		return nil, 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	count, position, _ := strings.Cut(string(b), " ")
	millis, id, ok := strings.Cut(position, " ")
	total, countErr := strconv.ParseUint(count, 10, 64)
	n, numErr := strconv.ParseInt(millis, 10, 64)
	if err != nil || !ok || countErr != nil || numErr != nil {
		return nil, 0, status.Error(codes.InvalidArgument, "page_token is not one of this service: take it from an earlier answer")
	}
	return &store.Position{Millis: n, ID: id}, total, nil
}
