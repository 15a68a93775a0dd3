package console

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"armor/indexer/panels"
	"armor/indexer/store"
)

const (
	exportPage    = 2000
	exportTimeout = time.Hour
)

// exporter writes alerts in one format.
type exporter interface {
	contentType() string
	begin(w io.Writer) error
	write(w io.Writer, hit store.Hit) error
}

var exporters = map[string]func() exporter{
	"csv":    func() exporter { return &csvExport{} },
	"ndjson": func() exporter { return ndjsonExport{} },
}

// export sends all alerts of a question as a file, page by page. The total and the number sent stand in the headers; when the store fails on the way
// the connection is cut, so that half a file is never taken for a whole one.
func (c *Console) export(w http.ResponseWriter, r *http.Request) error {
	p := r.URL.Query()
	format := p.Get("format")
	newExporter, ok := exporters[format]
	if !ok {
		return requestError(fmt.Sprintf("format: %q is neither csv nor ndjson", cut(format, 20)))
	}
	filter, err := readFilter(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), exportTimeout)
	defer cancel()
	filter, err = panels.LastAlerts().Narrow(filter)
	if err != nil {
		return err
	}
	oldest, err := readOrder(p)
	if err != nil {
		return err
	}
	search := store.Search{Filter: filter, Size: c.exportSize(0), OldestFirst: oldest}
	page, err := c.exportPage(ctx, search)
	if err != nil {
		return err
	}
	out := newExporter()
	h := w.Header()
	h.Set("Content-Type", out.contentType())
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="armor-alerts-%s.%s"`, time.Now().UTC().Format("20060102T150405Z"), format))
	h.Set("Armor-Alerts-Found", strconv.FormatUint(page.Total, 10))
	h.Set("Armor-Alerts-Sent", strconv.FormatUint(c.exported(page.Total), 10))
	if r.Method == http.MethodHead {
		return nil
	}
	if err := c.exportBody(ctx, w, out, search, page); err != nil {
		c.log.Warn("console export cut off", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (c *Console) exportBody(ctx context.Context, w io.Writer, out exporter, search store.Search, page store.Page) error {
	if err := out.begin(w); err != nil {
		return err
	}
	search.Uncounted = true // the first page has counted
	for sent := 0; ; {
		for _, hit := range page.Hits {
			if err := out.write(w, hit); err != nil {
				return err
			}
		}
		sent += len(page.Hits)
		search.After, search.Size = page.Next, c.exportSize(sent)
		if page.Next == nil || search.Size == 0 {
			return nil
		}
		var err error
		if page, err = c.exportPage(ctx, search); err != nil {
			return err
		}
	}
}

// exportSize is how many alerts are asked for next when some are sent already; 0: the limit is reached.
func (c *Console) exportSize(sent int) int {
	if c.cfg.ExportLimit == 0 {
		return exportPage
	}
	return min(exportPage, max(0, c.cfg.ExportLimit-sent))
}

// exported is how many of the alerts found an export holds.
func (c *Console) exported(found uint64) uint64 {
	if c.cfg.ExportLimit == 0 {
		return found
	}
	return min(found, uint64(c.cfg.ExportLimit))
}

func (c *Console) exportPage(ctx context.Context, s store.Search) (store.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.QueryTimeout)
	defer cancel()
	return c.store.Search(ctx, s)
}

// csvExport writes the columns of the table.
type csvExport struct{}

func (csvExport) contentType() string { return "text/csv; charset=utf-8" }

func (csvExport) begin(w io.Writer) error {
	var names []string
	for _, column := range panels.LastAlerts().Columns {
		names = append(names, column.Field)
	}
	return writeCSV(w, append(names, "id"))
}

func (csvExport) write(w io.Writer, hit store.Hit) error {
	var doc any
	if err := json.Unmarshal(hit.JSON, &doc); err != nil {
		return fmt.Errorf("read alert %s from the store: %w", hit.ID, err)
	}
	var cells []string
	for _, column := range panels.LastAlerts().Columns {
		cells = append(cells, cell(lookUp(doc, column.Field)))
	}
	return writeCSV(w, append(cells, cell(hit.ID)))
}

func writeCSV(w io.Writer, cells []string) error {
	cw := csv.NewWriter(w)
	cw.UseCRLF = true
	if err := cw.Write(cells); err != nil {
		return err
	}
	cw.Flush()
	return cw.Error()
}

// lookUp finds a field by its dotted name. Keys with dots of their own are not columns of the table.
func lookUp(doc any, name string) any {
	for key := range strings.SplitSeq(name, ".") {
		object, ok := doc.(map[string]any)
		if !ok {
			return nil
		}
		doc = object[key]
	}
	return doc
}

// cell writes a value as text that a spreadsheet takes for text: what it would run as a formula gets an apostrophe in front.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		if formula(v) {
			return "'" + v
		}
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var parts []string
		for _, one := range v {
			parts = append(parts, fmt.Sprint(one))
		}
		return cell(strings.Join(parts, " "))
	default:
		return cell(fmt.Sprint(v))
	}
}

// formula reports whether a spreadsheet may run the text: it starts, white space and quotes aside, with one of = + - @, in their full-width forms too,
// or with a control character that some programs skip.
func formula(text string) bool {
	if text == "" {
		return false
	}
	if strings.ContainsRune("\t\r\n\x00", rune(text[0])) {
		return true
	}
	rest := strings.TrimLeft(text, " \"'\u00a0\ufeff\u3000")
	for _, r := range rest {
		return strings.ContainsRune("=+-@|%\uff1d\uff0b\uff0d\uff20", r)
	}
	return false
}

// ndjsonExport writes whole documents, one a line.
type ndjsonExport struct{}

func (ndjsonExport) contentType() string { return "application/x-ndjson" }

func (ndjsonExport) begin(io.Writer) error { return nil }

func (ndjsonExport) write(w io.Writer, hit store.Hit) error {
	if _, err := w.Write(hit.JSON); err != nil {
		return err
	}
	_, err := w.Write([]byte{'\n'})
	return err
}
