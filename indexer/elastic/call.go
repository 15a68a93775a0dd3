package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	typeJSON = "application/json"
	typeBulk = "application/x-ndjson"
	// maxAnswer bounds an answer in bytes: 10,000 alerts of the greatest size would be more, and are refused with an error.
	maxAnswer = 1 << 30
)

// httpError is an answer of Elasticsearch, or of something before it, that is no success.
type httpError struct {
	status int
	cause  cause
	text   string // what the answer says where it is not Elasticsearch's form
}

// cause is an error in Elasticsearch's form.
type cause struct {
	Type      string  `json:"type"`
	Reason    string  `json:"reason"`
	CausedBy  *cause  `json:"caused_by"`
	RootCause []cause `json:"root_cause"`
	Failed    []struct {
		Reason cause `json:"reason"`
	} `json:"failed_shards"`
}

// Error is one line with the status and the reason.
func (e *httpError) Error() string {
	text := e.cause.String()
	if text == "" {
		text = e.text
	}
	hint := ""
	switch e.status {
	case http.StatusUnauthorized:
		hint = " (check elasticsearch.user and password_file, or api_key_file)"
	case http.StatusForbidden:
		hint = " (the user needs the rights to write, read and delete armor-alerts-*, and to manage index templates)"
	}
	return fmt.Sprintf("Elasticsearch answers %d: %s%s", e.status, text, hint)
}

// String joins the reasons, the deepest last.
func (c *cause) String() string {
	if c == nil || c.Type == "" && c.Reason == "" {
		return ""
	}
	s := c.Type + ": " + c.Reason
	if inner := c.CausedBy.String(); inner != "" && !strings.Contains(s, inner) {
		s += "; " + inner
	}
	if len(c.Failed) > 0 {
		s += "; " + c.Failed[0].Reason.String()
	}
	return s
}

// has tells whether an error of the type is anywhere in it.
func (c *cause) has(name string) bool {
	if c == nil {
		return false
	}
	if c.Type == name || c.CausedBy.has(name) {
		return true
	}
	for i := range c.RootCause {
		if c.RootCause[i].has(name) {
			return true
		}
	}
	for i := range c.Failed {
		if c.Failed[i].Reason.has(name) {
			return true
		}
	}
	return false
}

// call sends a request and reads the answer whole. An answer that is no success is an *httpError.
func (s *Store) call(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var reader io.Reader = http.NoBody
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(limited, method, path, reader)
	if err != nil {
		return nil, fmt.Errorf("asking Elasticsearch: %w", err)
	}
	req.Header.Set("Accept", typeJSON)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := s.client.Perform(req)
	if err != nil {
		return nil, s.lost(ctx, limited, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, s.lost(ctx, limited, err)
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("asking Elasticsearch: the answer is larger than %d bytes: ask for less at once", maxAnswer)
	case resp.StatusCode >= 300:
		return nil, answerError(resp.StatusCode, answer)
	}
	return answer, nil
}

// errLate is the end of the time for a request.
var errLate = errors.New("no answer")

// lost explains a request without an answer.
func (s *Store) lost(ctx, limited context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("asking Elasticsearch: %w", ctx.Err())
	case limited.Err() != nil:
		return fmt.Errorf("asking Elasticsearch: %w within %v", errLate, s.cfg.Timeout)
	}
	return fmt.Errorf("asking Elasticsearch: %w", err)
}

func answerError(status int, answer []byte) *httpError {
	e := &httpError{status: status}
	var form struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(answer, &form) == nil && len(form.Error) > 0 {
		if json.Unmarshal(form.Error, &e.cause) == nil {
			return e
		}
		var text string
		if json.Unmarshal(form.Error, &text) == nil {
			e.text = text
			return e
		}
	}
	text := strings.ToValidUTF8(strings.Join(strings.Fields(string(answer[:min(len(answer), 300)])), " "), "?")
	if text == "" {
		text = http.StatusText(status)
	}
	e.text = text
	return e
}

// statusOf is the HTTP status of an error; 0: there was no answer.
func statusOf(err error) int {
	var e *httpError
	if errors.As(err, &e) {
		return e.status
	}
	return 0
}
