package console

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"armor/indexer/store"
	"armor/internal/alertstream"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

const letterCount = `document.querySelectorAll('tr.letter').length`

// bury makes a stream with four dead letters of two reasons; the detail is that of the last three.
func bury(t *testing.T, detail string) *alertstream.Conn {
	t.Helper()
	stream, err := alertstream.Connect(t.Context(), alertstream.Config{InProcess: testenv.NATS(t)}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stream.Close)
	event := &armorv1.Event{Body: []byte("line " + taint + " \x00\xff"), Location: "/var/log/" + strings.ReplaceAll(taint, "\u202e", "")}
	alert := ec2Alert(5, testNow)
	alert.Rule.Description = taint
	for _, l := range []struct {
		reason, detail string
		data           []byte
	}{
		{alertstream.ReasonPanic, "index out of range [3] with length 3: " + detail, encoded(t, event)},
		{alertstream.ReasonUnmappable, detail, encoded(t, alert)},
		{alertstream.ReasonUnmappable, detail, []byte("\xff\xfe no alert at all " + taint)},
		{alertstream.ReasonUnmappable, detail, bytes.Repeat([]byte("large\n"), 200_000)},
	} {
		if err := stream.DeadLetter(t.Context(), l.reason, l.data, l.detail); err != nil {
			t.Fatal(err)
		}
	}
	return stream
}

func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type letterList struct {
	Letters []letterRow
	Next    string
}

func TestLetters(t *testing.T) {
	stream := bury(t, "cannot be mapped")
	c := newHandler(t, Config{}, Deps{Store: &memory{}, Stream: stream})
	reasons := getJSON[struct{ Letters []lettersOf }](t, c, "/api/v1/deadletters").Letters
	for i := range reasons {
		reasons[i].Last = time.Time{}
	}
	// A letter of several parts counts once for each.
	if diff := cmp.Diff([]lettersOf{{"engine_panic", 1, time.Time{}, "index out of range [3] with length 3: cannot be mapped"}, {"unmappable", 4, time.Time{}, "cannot be mapped"}}, reasons); diff != "" {
		t.Error(diff)
	}
	all := getJSON[letterList](t, c, "/api/v1/letters").Letters
	if len(all) != 4 || all[0].Reason != "engine_panic" || all[0].Kind != "event" || all[1].Kind != "alert" || all[3].Size != 1_200_000 || all[1].Detail != "cannot be mapped" {
		t.Fatalf("%+v", all)
	}
	if some := getJSON[letterList](t, c, "/api/v1/letters?reason=unmappable").Letters; len(some) != 3 || some[0].Number != all[1].Number {
		t.Errorf("%+v", some)
	}
	event := getJSON[letterDetails](t, c, "/api/v1/letters/"+all[0].Number)
	if !bytes.Contains(event.Data, []byte("\x00\xff")) || !strings.Contains(event.Document, `"body":"line `) || event.DocumentCut || event.Incomplete {
		t.Errorf("%+v", event)
	}
	large := getJSON[letterDetails](t, c, "/api/v1/letters/"+all[3].Number)
	if len(large.Data) != letterPreview || large.Size != 1_200_000 || large.Document != "" {
		t.Errorf("%d bytes of %d, document %q", len(large.Data), large.Size, cut(large.Document, 100))
	}
	// The whole answer is small, however large the letter is.
	if w := request(t, c, "/api/v1/letters/"+all[3].Number); w.Body.Len() > 2*base64.StdEncoding.EncodedLen(letterPreview) {
		t.Errorf("an answer of %d bytes", w.Body.Len())
	}
	if err := stream.DeadLetter(t.Context(), alertstream.ReasonUnmappable, encoded(t, longAlert()), "long"); err != nil {
		t.Fatal(err)
	}
	all = getJSON[letterList](t, c, "/api/v1/letters").Letters
	if long := getJSON[letterDetails](t, c, "/api/v1/letters/"+all[4].Number); !long.DocumentCut || len(long.Document) > letterReading || !strings.HasPrefix(long.Document, `{"`) {
		t.Errorf("document of %d bytes, cut: %v", len(long.Document), long.DocumentCut)
	}
	for path, want := range map[string]int{
		"/api/v1/letters/999": http.StatusNotFound, "/api/v1/letters/0": http.StatusBadRequest, "/api/v1/letters/-1": http.StatusBadRequest, "/api/v1/letters/x": http.StatusBadRequest,
		"/api/v1/letters/18446744073709551616": http.StatusBadRequest, "/api/v1/letters?page=x": http.StatusBadRequest, "/api/v1/letters?reason=a.*": http.StatusBadRequest,
	} {
		if e := getError(t, c, path, want); e.Message == "" {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

func longAlert() *armorv1.Alert {
	a := ec2Alert(1, testNow)
	a.FullLog = bytes.Repeat([]byte("\u00e9"), 100_000)
	return a
}

// TestLettersInPages goes through more letters than one answer has.
func TestLettersInPages(t *testing.T) {
	stream := bury(t, "first")
	for i := range 70 {
		if err := stream.DeadLetter(t.Context(), alertstream.ReasonRejected, fmt.Append(nil, i), "refused"); err != nil {
			t.Fatal(err)
		}
	}
	c := newHandler(t, Config{}, Deps{Store: &memory{}, Stream: stream})
	first := getJSON[letterList](t, c, "/api/v1/letters")
	second := getJSON[letterList](t, c, "/api/v1/letters?page="+first.Next)
	seen := map[string]bool{}
	for _, l := range append(first.Letters, second.Letters...) {
		seen[l.Number] = true
	}
	if len(first.Letters) != lettersPage || len(seen) != 74 || second.Next != "" {
		t.Errorf("%d and %d letters, %d different, then %q", len(first.Letters), len(second.Letters), len(seen), second.Next)
	}
}

func TestLettersWithoutStreamOrNATS(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	for _, path := range []string{"/api/v1/deadletters", "/api/v1/letters", "/api/v1/letters/1"} {
		if e := getError(t, c, path, http.StatusNotFound); e.Kind != kindMissing || !strings.Contains(e.Message, "No alert stream") {
			t.Errorf("%s: %+v", path, e)
		}
	}
	stream := bury(t, "x")
	c = newHandler(t, Config{}, Deps{Store: &memory{}, Stream: stream})
	stream.Close()
	for _, path := range []string{"/api/v1/deadletters", "/api/v1/letters", "/api/v1/letters/1"} {
		if e := getError(t, c, path, http.StatusServiceUnavailable); e.Kind != kindManager {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

// testLetters goes from the count of the status view to the list, and through it by keyboard; the letters are hostile.
func testLetters(t *testing.T, p *tab, _ store.Store) {
	p.click("#nav-status")
	p.until(`document.querySelector('#view-status tbody a')`)
	p.want(`[...document.querySelectorAll('#view-status a')].map((a) => a.getAttribute('href'))`,
		`["/?view=letters","/?view=letters","/?view=letters&reason=engine_panic","/?view=letters&reason=unmappable","/?view=letters"]`)
	p.click("#view-status tbody tr:nth-child(2) a")
	p.until(letterCount + ` === 3`)
	p.want(`document.querySelector('#nav-status').getAttribute('aria-current') + document.title`, "pageDead letters – Armor")
	p.want(`document.querySelector('#view-letters strong').textContent`, "unmappable")
	p.click("#view-letters .view-head a")
	p.until(letterCount + ` === 4`)
	p.want(`[...document.querySelectorAll('tr.letter')].map((r) => [...r.cells].slice(2, 5).map((c) => c.textContent).join())[1]`,
		"unmappable,failed to parse field [data.aws.requestParameters.tags],"+p.is(`document.querySelectorAll('tr.letter')[1].cells[4].textContent`))
	// By keyboard: open, go on to the forms of the bytes, close.
	p.is(`document.querySelector('tr.letter .opener').focus()`)
	p.key(kb.Enter)
	p.until(`document.querySelectorAll('#view-letters pre').length === 3`)
	p.want(`document.querySelector('#view-letters .opener').getAttribute('aria-expanded')`, "true")
	p.want(`document.querySelector('#view-letters code').textContent`, "armor alerts dead-letters retry "+p.is(`document.querySelector('tr.letter').dataset.number`))
	p.want(`JSON.parse(document.querySelector('#view-letters pre').textContent).body.startsWith('line <img src=x onerror=')`, "true")
	for range 20 {
		if p.is(`document.activeElement.textContent`) == "Hex" {
			break
		}
		p.key(kb.Tab)
	}
	p.key(kb.Enter)
	p.want(`[...document.querySelectorAll('#view-letters pre')].map((e) => e.hidden)`, "[true,true,false]")
	p.want(`document.querySelector('#view-letters pre.hex').textContent.startsWith('00000000  ')`, "true")
	p.want(`document.querySelector('#view-letters pre.hex').textContent.includes(' 00 ff')`, "true")
	p.picture("letters")
	for i := 2; i <= 4; i++ {
		p.is(`document.querySelectorAll('tr.letter .opener')[` + fmt.Sprint(i-1) + `].click()`)
	}
	p.until(`document.querySelectorAll('#view-letters .details-body').length === 4`)
	p.want(`document.querySelector('#view-letters').textContent.includes('the first 16,384 of 1,200,000 bytes')`, "true")
	p.want(`window.hacked`, "<nil>")
	p.want(`document.querySelectorAll('#view-letters .tainted, #view-letters img, #view-letters script').length`, "0")
	p.want(`document.body.textContent.includes('\u202e') || document.body.textContent.includes('\u0000')`, "false")
	p.is(`document.querySelector('tr.letter .opener').focus()`)
	p.key(kb.Enter)
	p.want(`document.querySelectorAll('#view-letters .details-body').length`, "3")
	p.do(chromedp.NavigateBack())
	p.until(letterCount + ` === 3`)
}

// testAgents looks at what agents report: those with a problem stand first, and say it in words.
func testAgents(t *testing.T, p *tab, _ store.Store) {
	p.click("#nav-agents")
	p.until(`document.querySelectorAll('tr.agent').length === 3`)
	p.want(`document.querySelectorAll('#view-agents b').length`, "0")
	p.want(`document.querySelector('#view-agents .view-head .sub').textContent`, "3 agents, 2 connected, 2 with a problem, 1 not seen for a day")
	p.want(`[...document.querySelectorAll('tr.agent')].map((r) => r.dataset.id)`, `["001","002","000"]`)
	text := `[...document.querySelectorAll('tr.agent')][%d].querySelector('.c-problems')`
	p.want(`[...`+fmt.Sprintf(text, 0)+`.querySelectorAll('.warning')].map((w) => w.textContent)`,
		`["2 events lost to damage of the disk","1 event dropped: age","30 events dropped: full","Input cloudtrail: AccessDenied: not allowed to read s3://audit-trail","Input cloudtrail: 3 parts could not be read whole","Spool 91 % full"]`)
	p.want(fmt.Sprintf(text, 1)+`.textContent.startsWith('Gone since 2026-03-05 15:40:00')`, "true")
	p.want(fmt.Sprintf(text, 2)+`.textContent`, "None")
	cells := `[...document.querySelectorAll('tr.agent')[%d].cells].slice(%d, %d).map((c) => c.textContent)`
	p.want(fmt.Sprintf(cells, 0, 4, 9), `["1,204","91 %","310,002","2","31"]`)
	p.want(fmt.Sprintf(cells, 1, 3, 10), `["–","34","–","–","–","–","No report yet"]`)
	p.want(fmt.Sprintf(cells, 2, 3, 9), `["0 s","0","1 %","48,211","0","0"]`)
	p.want(`/^3 min 2\d s$/.test(document.querySelector('tr.agent').cells[3].textContent)`, "true")
	p.want(`document.querySelectorAll('tr.agent')[1].cells[1].textContent.startsWith('Gonesince')`, "true")
	// By keyboard: open the first agent, look again, and it is still open.
	p.is(`document.querySelector('tr.agent .opener').focus()`)
	p.key(kb.Enter)
	p.until(`document.querySelectorAll('#view-agents .inputs tbody tr').length === 2`)
	p.want(`[...document.querySelector('#view-agents .inputs tbody tr').cells].map((c) => c.textContent)`,
		`["cloudtrail","cloudtrail","AccessDenied: not allowed to read s3://audit-trail","None since the agent started","48,210","1,377","12","5 min 12 s","3 not read whole"]`)
	p.picture("agents")
	p.is(`document.querySelector('#agents-refresh').focus()`)
	p.key(kb.Enter)
	p.until(`document.activeElement.id === 'agents-refresh' && document.querySelectorAll('#view-agents .inputs tbody tr').length === 2`)
	p.is(`document.querySelector('tr.agent .opener').click()`)
	p.want(`document.querySelectorAll('#view-agents tr.details').length`, "0")
	p.is(`document.querySelectorAll('tr.agent .opener')[1].click()`)
	p.want(`document.querySelector('#view-agents .details-body').textContent.includes('No report yet')`, "true")
	p.click("#view-agents .details-body a")
	p.until(`document.querySelector('.chip')`)
	p.want(chips, "agent.id 002")
}
