package kibana

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"armor/indexer/panels"
)

// oldest is the first major version of Kibana that takes the objects.
const oldest = 8

// Ready waits until Kibana works, looks whether it is one that takes the objects and whether the space exists, and gives its
// version; empty: it does not tell.
func (c *Client) Ready(ctx context.Context) (version string, err error) {
	err = c.retry(ctx, func() error {
		var status statusForm
		if err := c.callJSON(ctx, http.MethodGet, "/api/status", "", nil, &status); err != nil {
			var answer *AnswerError
			if errors.As(err, &answer) && answer.Status == http.StatusNotFound && answer.Remedy == "" {
				answer.Remedy = "no Kibana is there: check the address, and Kibana's base path"
			}
			return err
		}
		switch level := status.Status.Overall.Level; level {
		case "available", "degraded":
		case "":
			return fmt.Errorf("what answers at %s is not a Kibana from version %d on: its status has another form", c.base, oldest)
		default:
			return &AnswerError{Request: "GET " + c.base + "/api/status", Status: http.StatusServiceUnavailable, Message: "it is " + oneLine(level)}
		}
		version = oneLine(status.Version.Number)
		return nil
	})
	if err != nil {
		return "", err
	}
	if major, err := strconv.Atoi(strings.SplitN(version, ".", 2)[0]); version != "" && (err != nil || major < oldest) {
		return version, fmt.Errorf("version %s of Kibana is too old: the dashboards need Kibana %d.0 or later", version, oldest)
	}
	return version, c.checkSpace(ctx)
}

// checkSpace asks for the space: an import into one that does not exist would succeed, and nobody would ever see it.
func (c *Client) checkSpace(ctx context.Context) error {
	if c.cfg.Space == "" || c.cfg.Space == DefaultSpace {
		return nil
	}
	return c.retry(ctx, func() error {
		var space struct {
			ID string `json:"id"`
		}
		err := c.callJSON(ctx, http.MethodGet, "/api/spaces/space/"+url.PathEscape(c.cfg.Space), "", nil, &space)
		var answer *AnswerError
		if errors.As(err, &answer) && answer.Status == http.StatusNotFound {
			return fmt.Errorf("there is no space %q in Kibana: make it under Stack Management, Spaces, or give the identifier of another one", c.cfg.Space)
		}
		return err
	})
}

// Installed is what an import did.
type Installed struct {
	// Objects that are there now.
	Objects int
	// IDs of objects that Kibana gave another id than they have in the file, by type and id: somebody has copied them between
	// spaces.
	IDs map[string]string
	// Warnings in Kibana's words.
	Warnings []string
}

// ImportError is an import of which objects failed. Kibana keeps the others.
type ImportError struct {
	// Imported is how many were taken.
	Imported int
	// Failed are those that were not, a line each.
	Failed []string
}

// Error lists the objects that failed, in one line.
func (e *ImportError) Error() string {
	return fmt.Sprintf("Kibana took %d objects and refused %d: %s", e.Imported, len(e.Failed), strings.Join(e.Failed, "; "))
}

// importForm is the answer to an import.
type importForm struct {
	Success *bool `json:"success"`
	Count   int   `json:"successCount"`
	Results []struct {
		Type          string `json:"type"`
		ID            string `json:"id"`
		DestinationID string `json:"destinationId"`
	} `json:"successResults"`
	Warnings []struct {
		Message string `json:"message"`
	} `json:"warnings"`
	Errors []importFault `json:"errors"`
}

type importFault struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Title string `json:"title"`
	Meta  struct {
		Title string `json:"title"`
	} `json:"meta"`
	Error struct {
		Type       string `json:"type"`
		Message    string `json:"message"`
		Status     int    `json:"statusCode"`
		References []struct {
			Type string `json:"type"`
			ID   string `json:"id"`
		} `json:"references"`
		Destinations []struct {
			ID string `json:"id"`
		} `json:"destinations"`
	} `json:"error"`
}

// String says which object failed, why, and what helps.
func (f importFault) String() string {
	title := f.Meta.Title
	if title == "" {
		title = f.Title
	}
	s := fmt.Sprintf("%s %s", f.Type, f.ID)
	if title != "" {
		s += fmt.Sprintf(" (%s)", title)
	}
	switch f.Error.Type {
	case "missing_references":
		var missing []string
		for _, r := range f.Error.References {
			missing = append(missing, r.Type+" "+r.ID)
		}
		s += ": refers to " + strings.Join(missing, ", ") + ", which Kibana does not find"
	case "conflict":
		s += ": another object has this id: delete or rename that one under Stack Management, Saved Objects"
	case "ambiguous_conflict":
		var copies []string
		for _, d := range f.Error.Destinations {
			copies = append(copies, d.ID)
		}
		s += ": there are several copies of it (" + strings.Join(copies, ", ") + "): delete them under Stack Management, Saved Objects"
	case "unsupported_type":
		s += ": this Kibana does not know the type, or the feature is turned off in it"
	default:
		s += ": " + f.Error.Message
		if f.Error.Message == "" {
			s += f.Error.Type
		}
		if f.Error.Status != 0 {
			s += fmt.Sprintf(" (status %d)", f.Error.Status)
		}
	}
	return oneLine(s)
}

// Install imports the objects of the space, over those of an earlier import. Doing it again changes nothing. The error is an
// *ImportError when Kibana took only some of them, an *AnswerError when it refused all.
func (c *Client) Install(ctx context.Context) (Installed, error) {
	file, err := Export(c.cfg.Space)
	if err != nil {
		return Installed{}, err
	}
	want := bytes.Count(file, []byte("\n"))
	contentType, body, err := form(file)
	if err != nil {
		return Installed{}, err
	}
	var answer importForm
	err = c.retry(ctx, func() error {
		answer = importForm{}
		return c.callJSON(ctx, http.MethodPost, c.inSpace("/api/saved_objects/_import?overwrite=true"), contentType, body, &answer)
	})
	if err != nil {
		return Installed{}, fmt.Errorf("importing the dashboards: %w", err)
	}
	done := Installed{Objects: answer.Count, IDs: map[string]string{}}
	for _, w := range answer.Warnings {
		done.Warnings = append(done.Warnings, oneLine(w.Message))
	}
	for _, r := range answer.Results {
		if r.DestinationID != "" && r.DestinationID != r.ID {
			done.IDs[r.Type+" "+r.ID] = r.DestinationID
		}
	}
	switch {
	case answer.Success == nil:
		return done, fmt.Errorf("importing the dashboards: what answers at %s is not Kibana: its answer has another form", c.base)
	case !*answer.Success || len(answer.Errors) > 0:
		e := &ImportError{Imported: answer.Count}
		for _, f := range answer.Errors {
			e.Failed = append(e.Failed, f.String())
		}
		if len(e.Failed) == 0 {
			e.Failed = []string{"it does not say which or why"}
		}
		return done, e
	case answer.Count != want:
		return done, fmt.Errorf("importing the dashboards: Kibana took %d objects of %d and names no error: look under Stack Management, Saved Objects", answer.Count, want)
	}
	return done, nil
}

// form is the body of an import: a file as a browser sends it. Kibana looks at the end of its name.
func form(file []byte) (contentType string, body []byte, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", "armor.ndjson")
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", nil, fmt.Errorf("making the form of the import: %w", err)
	}
	return w.FormDataContentType(), b.Bytes(), nil
}

// Link is a dashboard's address.
type Link struct {
	// Title of the dashboard.
	Title string `json:"title"`
	// URL for a person: it opens over the last seven days.
	URL string `json:"url"`
}

// Links are the addresses of the dashboards after an import.
func (c *Client) Links(done Installed) []Link {
	var out []Link
	n := naming{c.cfg.Space}
	for _, d := range panels.Dashboards() {
		id := n.dashboard(d)
		if other, ok := done.IDs[typeDashboard+" "+id]; ok {
			id = other
		}
		out = append(out, Link{d.Title, c.link(id)})
	}
	return out
}

func (c *Client) link(id string) string {
	return c.base + c.inSpace("/app/dashboards#/view/"+url.PathEscape(id)+"?_g=(time:(from:now-7d,to:now))")
}
