package console

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"armor/indexer/field"
	"armor/indexer/panels"
	"armor/indexer/store"
)

const (
	maxRows    = 500 // rows of one answer
	logPreview = 400 // bytes of the log in a row; the details have all of it
)

// row is an alert as the table shows it.
type row struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Agent    rowAgent  `json:"agent"`
	Rule     rowRule   `json:"rule"`
	Location string    `json:"location"`
	// Facts say what happened, where the console knows how to tell; else the log does.
	Facts  []fact `json:"facts,omitempty"`
	Log    string `json:"log"`
	LogCut bool   `json:"log_cut"`
}

type rowAgent struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type rowRule struct {
	ID          string   `json:"id"`
	Level       int      `json:"level"`
	Description string   `json:"description"`
	Groups      []string `json:"groups"`
}

// rowDocument is what the console reads out of an alert document.
type rowDocument struct {
	Agent    rowAgent `json:"agent"`
	Rule     rowRule  `json:"rule"`
	Location string   `json:"location"`
	FullLog  string   `json:"full_log"`
}

func newRow(hit store.Hit) (row, error) {
	var doc rowDocument
	if err := json.Unmarshal(hit.JSON, &doc); err != nil {
		return row{}, fmt.Errorf("read alert %s from the store: %w", hit.ID, err)
	}
	out := row{ID: hit.ID, Time: hit.Time.UTC(), Agent: doc.Agent, Rule: doc.Rule, Location: doc.Location, Facts: facts(hit.JSON)}
	if out.Facts == nil {
		out.Log = cutLog(doc.FullLog)
		out.LogCut = len(out.Log) < len(doc.FullLog)
	}
	return out, nil
}

func cutLog(log string) string {
	if len(log) <= logPreview {
		return log
	}
	return strings.ToValidUTF8(log[:logPreview], "")
}

// alerts answers with one page of the table, newest first, or oldest first where order says so. With count=no the total, which the page knows from the
// overview, is left out: the store then stops at a full page.
func (c *Console) alerts(w http.ResponseWriter, r *http.Request) error {
	p := r.URL.Query()
	filter, err := readFilter(p)
	if err != nil {
		return err
	}
	size, err := readSize(p)
	if err != nil {
		return err
	}
	after, err := readPosition(p.Get("page"))
	if err != nil {
		return err
	}
	oldest, err := readOrder(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.QueryTimeout)
	defer cancel()
	filter, err = panels.LastAlerts().Narrow(filter)
	if err != nil {
		return err
	}
	page, err := c.store.Search(ctx, store.Search{Filter: filter, Size: size, After: after, OldestFirst: oldest, Uncounted: p.Get("count") == "no"})
	if err != nil {
		return err
	}
	rows := make([]row, 0, len(page.Hits))
	for _, hit := range page.Hits {
		one, err := newRow(hit)
		if err != nil {
			return err
		}
		rows = append(rows, one)
	}
	writeJSON(w, http.StatusOK, map[string]any{"alerts": rows, "total": page.Total, "next": positionText(page.Next)})
	return nil
}

// alert answers with one document as it was written.
func (c *Console) alert(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.QueryTimeout)
	defer cancel()
	page, err := c.store.Search(ctx, store.Search{Filter: store.Filter{Query: is(field.ID, r.PathValue("id"))}, Size: 1})
	if err != nil {
		return err
	}
	if len(page.Hits) == 0 {
		return apiError{Kind: kindMissing, Message: "This alert is not in the store; it may have reached the end of its retention.", status: http.StatusNotFound}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(page.Hits[0].JSON) // the browser went away: nobody to tell
	return nil
}

func readSize(p url.Values) (int, error) {
	text := p.Get("size")
	if text == "" {
		return panels.LastAlerts().Size, nil
	}
	size, err := strconv.Atoi(text)
	if err != nil || size < 1 || size > maxRows {
		return 0, requestError(fmt.Sprintf("size: %q is no number from 1 to %d", cut(text, 20), maxRows))
	}
	return size, nil
}

func readOrder(p url.Values) (oldestFirst bool, err error) {
	switch text := p.Get("order"); text {
	case "", "newest":
		return false, nil
	case "oldest":
		return true, nil
	default:
		return false, requestError(fmt.Sprintf("order: %q is neither newest nor oldest", cut(text, 20)))
	}
}

// positionText writes the place of the next page for the browser to hand back.
func positionText(p *store.Position) string {
	if p == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.Millis, 10) + " " + p.ID))
}

func readPosition(text string) (*store.Position, error) {
	if text == "" {
		return nil, nil
	}
	invalid := requestError("page: not a page that an earlier answer named; start again from the first")
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(text) > 400 {
		return nil, invalid
	}
	millis, id, ok := strings.Cut(string(data), " ")
	n, err := strconv.ParseInt(millis, 10, 64)
	if !ok || err != nil || id == "" {
		return nil, invalid
	}
	return &store.Position{Millis: n, ID: id}, nil
}
