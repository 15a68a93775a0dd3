package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"armor/indexer/query"
	"armor/indexer/store"
)

// Kinds of errors, as the page tells them apart.
const (
	kindQuery   = "query"   // what was asked makes no sense; ask otherwise
	kindStore   = "store"   // the alert store cannot be reached or does not answer
	kindManager = "manager" // the manager cannot be reached, or none is configured
	kindSession = "session" // no session
	kindMissing = "missing" // no such alert or rule
	kindOther   = "other"
)

// apiError is the body of every failed answer.
type apiError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	// Position is where a query is wrong, counted in code points from 0.
	Position *int `json:"position,omitempty"`

	status int
}

func (e apiError) Error() string { return e.Message }

func requestError(message string) error {
	return apiError{Kind: kindQuery, Message: message, status: http.StatusBadRequest}
}

// describe turns an error into what the page is told. Errors of the store go to the page in full: whoever holds the token runs the store.
func describe(err error) apiError {
	var api apiError
	var syntax *query.Error
	var request *store.RequestError
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &syntax):
		if syntax.Query == "" { // about a filter, not about what was typed
			return apiError{Kind: kindQuery, Message: syntax.Message, status: http.StatusBadRequest}
		}
		at := utf8.RuneCountInString(syntax.Query[:max(0, min(syntax.Pos, len(syntax.Query)))])
		return apiError{Kind: kindQuery, Message: syntax.Message, Position: &at, status: http.StatusBadRequest}
	case errors.As(err, &request):
		return apiError{Kind: kindQuery, Message: request.Message, status: http.StatusBadRequest}
	case errors.Is(err, context.DeadlineExceeded):
		return apiError{Kind: kindStore, Message: "The alert store did not answer in time. A shorter time range is faster.", status: http.StatusGatewayTimeout}
	}
	return apiError{Kind: kindStore, Message: err.Error(), status: http.StatusServiceUnavailable}
}

// describeManager is describe for answers of the manager.
func describeManager(err error) error {
	s, ok := status.FromError(err)
	if !ok {
		return apiError{Kind: kindManager, Message: err.Error(), status: http.StatusServiceUnavailable}
	}
	switch s.Code() {
	case codes.NotFound:
		return apiError{Kind: kindMissing, Message: s.Message(), status: http.StatusNotFound}
	case codes.InvalidArgument:
		return apiError{Kind: kindQuery, Message: s.Message(), status: http.StatusBadRequest}
	case codes.DeadlineExceeded:
		return apiError{Kind: kindManager, Message: "The manager did not answer in time.", status: http.StatusGatewayTimeout}
	}
	return apiError{Kind: kindManager, Message: "The manager does not answer: " + s.Message(), status: http.StatusServiceUnavailable}
}

func (c *Console) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the page does not wait for the answer any more
	}
	e := describe(err)
	if e.status >= http.StatusInternalServerError {
		c.log.Warn("console request failed", "path", r.URL.Path, "error", err)
	}
	writeJSONError(w, e.status, e)
}

func writeJSONError(w http.ResponseWriter, status int, e apiError) {
	writeJSON(w, status, map[string]apiError{"error": e})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":{"kind":"other","message":"the answer cannot be written as JSON"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // the browser went away: nobody to tell
}
