package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"armor/indexer/alertservice"
	"armor/indexer/store"
	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

const (
	lettersPage   = 50       // dead letters of one answer
	letterPreview = 16 << 10 // bytes of a dead letter that the page is given
	letterReading = 64 << 10 // bytes of what they say
)

// lettersOf is what the page is told of the dead letters of one reason.
type lettersOf struct {
	Reason   string    `json:"reason"`
	Messages uint64    `json:"messages"`
	Last     time.Time `json:"last"`
	Detail   string    `json:"detail"`
}

// letterRow is a dead letter as the list shows it.
type letterRow struct {
	Number string    `json:"number"` // a JSON number of this size loses digits in a browser
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail"`
	Time   time.Time `json:"time"`
	Size   uint64    `json:"size"`
	Kind   string    `json:"kind"` // alert, event, or empty
}

// letterDetails is one dead letter with the beginning of its bytes, and of what they say where they can be read.
type letterDetails struct {
	letterRow
	Data        []byte `json:"data"` // base64
	Document    string `json:"document"`
	DocumentCut bool   `json:"document_cut"`
	Incomplete  bool   `json:"incomplete"`
}

func newLetterRow(l *armorv1.DeadLetter) letterRow {
	out := letterRow{Number: strconv.FormatUint(l.GetNumber(), 10), ID: l.GetId(), Reason: l.GetReason(), Detail: l.GetDetail(), Time: l.GetTime().AsTime(), Size: l.GetSize()}
	switch l.GetKind() {
	case armorv1.DeadLetterKind_DEAD_LETTER_KIND_ALERT:
		out.Kind = "alert"
	case armorv1.DeadLetterKind_DEAD_LETTER_KIND_EVENT:
		out.Kind = "event"
	}
	return out
}

// showLetters has the page show the dead letters of a stream.
func (c *Console) showLetters(alerts store.Store, stream *alertstream.Conn) {
	c.boxes, c.reader = stream, alertservice.New(alerts, stream, c.log)
}

func noStream() error {
	return apiError{Kind: kindMissing, Message: "No alert stream is connected to this console, so nothing is known of dead letters.", status: http.StatusNotFound}
}

// letterReasons answers with the dead letters by reason.
func (c *Console) letterReasons(w http.ResponseWriter, r *http.Request) error {
	if c.boxes == nil {
		return noStream()
	}
	found, err := c.boxes.Letters(r.Context())
	if err != nil {
		return describeLetters(err)
	}
	out := make([]lettersOf, 0, len(found))
	for _, l := range found {
		out = append(out, lettersOf{l.Reason, l.Messages, l.Last.UTC(), strings.ToValidUTF8(l.Detail, "?")})
	}
	writeJSON(w, http.StatusOK, map[string]any{"letters": out})
	return nil
}

// letters answers with one page of the dead letters, oldest first, of one reason or of all.
func (c *Console) letters(w http.ResponseWriter, r *http.Request) error {
	if c.reader == nil {
		return noStream()
	}
	p := r.URL.Query()
	found, err := c.reader.ListDeadLetters(r.Context(), &armorv1.ListDeadLettersRequest{
		Filter: &armorv1.DeadLetterFilter{Reason: p.Get("reason")}, PageSize: lettersPage, PageToken: p.Get("page"),
	})
	if err != nil {
		return describeLetters(err)
	}
	rows := make([]letterRow, 0, len(found.GetLetters()))
	for _, l := range found.GetLetters() {
		rows = append(rows, newLetterRow(l))
	}
	writeJSON(w, http.StatusOK, map[string]any{"letters": rows, "next": found.GetNextPageToken()})
	return nil
}

// letter answers with one dead letter.
func (c *Console) letter(w http.ResponseWriter, r *http.Request) error {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
	if err != nil || number == 0 {
		return requestError(fmt.Sprintf("%q is no number of a dead letter", cut(r.PathValue("number"), 20)))
	}
	if c.reader == nil {
		return noStream()
	}
	found, err := c.reader.GetDeadLetter(r.Context(), &armorv1.GetDeadLetterRequest{Number: number})
	if err != nil {
		return describeLetters(err)
	}
	out := letterDetails{letterRow: newLetterRow(found.GetLetter()), Data: found.GetData(), Document: found.GetDocument(), Incomplete: found.GetIncomplete()}
	out.Data = out.Data[:min(len(out.Data), letterPreview)]
	if out.DocumentCut = len(out.Document) > letterReading; out.DocumentCut {
		out.Document = strings.ToValidUTF8(out.Document[:letterReading], "")
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// describeLetters turns an error about dead letters into what the page is told.
func describeLetters(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	s, _ := status.FromError(err)
	switch s.Code() {
	case codes.NotFound:
		return apiError{Kind: kindMissing, Message: s.Message(), status: http.StatusNotFound}
	case codes.InvalidArgument:
		return apiError{Kind: kindQuery, Message: s.Message(), status: http.StatusBadRequest}
	case codes.Unavailable:
		return apiError{Kind: kindManager, Message: s.Message(), status: http.StatusServiceUnavailable}
	}
	return apiError{Kind: kindManager, Message: "The dead letters cannot be read: " + err.Error(), status: http.StatusServiceUnavailable}
}
