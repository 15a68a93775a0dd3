package kibana

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

// AnswerError is an answer of Kibana, or of something before it, that is no success.
type AnswerError struct {
	// Request that was answered so.
	Request string
	// Status of the answer.
	Status int
	// Message is the reason that the answer gives.
	Message string
	// Remedy says what to do; empty: nothing is known.
	Remedy string

	objects []objectFault // those that an export could not give
}

// objectFault is an object that an export could not give.
type objectFault struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Error struct {
		Status  int    `json:"statusCode"`
		Message string `json:"message"`
	} `json:"error"`
}

// Error is one line with the reason and the remedy.
func (e *AnswerError) Error() string {
	text := fmt.Sprintf("Kibana answers %d to %s: %s", e.Status, e.Request, e.Message)
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// lostError is a request without an answer.
type lostError struct{ err error }

func (e *lostError) Error() string { return "no answer from Kibana: " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// retryable tells whether a later attempt may succeed.
func retryable(err error) bool {
	var answer *AnswerError
	if errors.As(err, &answer) {
		switch answer.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var lost *lostError
	return errors.As(err, &lost)
}

// lost explains a request without an answer.
func (c *Client) lost(ctx, limited context.Context, err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("asking Kibana: %w", ctx.Err())
	case errors.As(err, &unknown):
		return fmt.Errorf("asking Kibana: %w: name its authority with the CA file", err)
	case errors.As(err, &name), errors.As(err, &invalid):
		return fmt.Errorf("asking Kibana: %w: use a name and a time for which its certificate holds", err)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("asking Kibana: %w: the address says https, and the server speaks plain http", err)
	case limited.Err() != nil:
		return &lostError{fmt.Errorf("none within %v", c.cfg.Timeout)}
	}
	return &lostError{err}
}

// statusForm is Kibana's status. While it starts, it answers with that, with plain text, or with a page.
type statusForm struct {
	Status struct {
		Overall struct {
			Level   string `json:"level"`
			Summary string `json:"summary"`
		} `json:"overall"`
	} `json:"status"`
	Version struct {
		Number string `json:"number"`
	} `json:"version"`
}

// answerError reads an answer that is no success.
func (c *Client) answerError(request string, resp *http.Response, answer []byte) *AnswerError {
	e := &AnswerError{Request: request, Status: resp.StatusCode}
	var form struct {
		Error   any    `json:"error"`
		Message string `json:"message"`
		More    struct {
			Objects []objectFault `json:"objects"`
		} `json:"attributes"`
	}
	var status statusForm
	switch {
	case json.Unmarshal(answer, &status) == nil && status.Status.Overall.Level != "":
		e.Message = "it is " + status.Status.Overall.Level
		if s := status.Status.Overall.Summary; s != "" {
			e.Message += ": " + oneLine(s)
		}
	case json.Unmarshal(answer, &form) == nil && form.Message != "":
		e.Message, e.objects = oneLine(form.Message), form.More.Objects
	default:
		e.Message = brief(answer)
	}
	if e.Message == "" {
		e.Message = http.StatusText(e.Status)
	}
	switch {
	case resp.Header.Get("X-Elastic-Product") == "Elasticsearch":
		e.Remedy = "this is Elasticsearch: give the address of Kibana, usually port 5601"
	case e.Status == http.StatusUnauthorized && c.header == "":
		e.Remedy = "it wants a log-in: give a user and a password file, or an API key file"
	case e.Status == http.StatusUnauthorized:
		e.Remedy = "check the user and the password, or the API key (the encoded form), and that it has not expired"
	case e.Status == http.StatusForbidden:
		e.Remedy = c.rights(request, e.Message)
	case e.Status == http.StatusRequestEntityTooLarge:
		e.Remedy = "raise savedObjects.maxImportPayloadBytes in kibana.yml, or the body limit of the proxy before Kibana"
	case e.Status >= 300 && e.Status < 400:
		e.Message = "it leads to " + brief([]byte(resp.Header.Get("Location")))
		e.Remedy = "give the address that it leads to, with Kibana's base path"
		if strings.Contains(resp.Header.Get("Location"), "/login") {
			e.Remedy = "it wants a log-in: give a user and a password file, or an API key file"
		}
	case e.Status == http.StatusUnprocessableEntity && strings.Contains(e.Message, "more recent version"):
		e.Remedy = "an earlier import came from a later Armor or Kibana: update Kibana"
	}
	return e
}

// importTypes finds the types of objects that a user may not write, in Kibana's words: Unable to bulk_create dashboard,lens.
var importTypes = regexp.MustCompile(`^Unable to \w+ ([a-z, -]+)`)

// rights says which privileges a request lacks.
func (c *Client) rights(request, message string) string {
	space := c.cfg.Space
	if space == "" {
		space = DefaultSpace
	}
	who, may, privilege := "the API key", "may not read", "Read"
	switch {
	case c.header == "":
		who = "who is not logged in"
	case c.cfg.User != "":
		who = "user " + c.cfg.User
	}
	if strings.Contains(request, "/_import") {
		may, privilege = "may read only", "All"
	}
	what := "Dashboard, Visualize Library, Discover, Data View Management, Tag Management and Saved Objects Management"
	if m := importTypes.FindStringSubmatch(message); m != nil {
		what += " (refused: " + strings.TrimSpace(m[1]) + ")"
	}
	return fmt.Sprintf("%s %s: give it a role with the Kibana privilege %s on %s in space %s, or on the whole space", who, may, privilege, what, space)
}

// brief is the beginning of an answer that is not in Kibana's form, without markup, in one line.
func brief(answer []byte) string {
	s := string(answer[:min(len(answer), 4096)])
	s = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>`).ReplaceAllString(s, " ")
	s = oneLine(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(s, " "))
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

// oneLine is text of somebody else, as one line without control characters.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.Join(strings.Fields(s), " ")
}
