package console

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"armor/internal/testenv"
)

// views are the pages of the console by name, each with what is there when it is drawn, and what to do then.
var views = []struct{ name, path, ready, click, then string }{
	{"alerts", "/?range=all", rowCount + ` === 50`, "", ""},
	{"details", "/?range=all", rowCount + ` === 50`, "tr.alert:nth-child(2) .opener", `document.querySelector('tr.details pre')`},
	{"filtered", "/?range=all&f=rule.groups:amazon&n=rule.id:80301&level=3", `document.querySelectorAll('.chip').length === 2 && ` + rowCount + ` > 0`, "", ""},
	{"query error", "/?range=all&q=(", `document.querySelector('#q-error mark')`, "", ""},
	{"empty", "/?range=15m", `!document.querySelector('#empty').hidden`, "", ""},
	{"ec2", "/?range=all&board=amazon-ec2", boardDrawn, "", ""},
	{"aws", "/?range=all&board=aws-overview", boardDrawn, "", ""},
	{"armor", "/?range=all&board=armor-overview", boardDrawn, "", ""},
	{"hosts", "/?range=all&board=hosts&q=hostile", boardDrawn, "", ""},
	{"rule", "/?range=all&view=rule&rule=80309", `document.querySelector('#fired strong')`, "", ""},
	{"agents", "/?view=agents", `document.querySelector('#view-agents tbody tr')`, "tr.agent:nth-child(1) .opener", `document.querySelector('#view-agents .inputs')`},
	{"status", "/?view=status", `document.querySelector('#view-status .equation') && document.querySelector('#view-status .hash')`, "", ""},
	{"letters", "/?view=letters", letterCount + ` === 4`, ".letter:nth-child(1) .opener", `document.querySelectorAll('#view-letters pre').length === 3`},
	{"help", "/?range=all", rowCount + ` === 50`, "#help-open", `document.querySelector('#help').open`},
}

const boardDrawn = `document.querySelectorAll('#board .panel').length > 3 && ` + rowCount + ` > 0`

// show opens one of the views.
func (p *tab) show(i int) {
	p.t.Helper()
	v := views[i]
	p.goTo(v.path)
	p.until(v.ready)
	if v.click != "" {
		p.click(v.click)
		p.until(v.then)
	}
}

// everything is a console whose every view has something to show.
func everything(t *testing.T, detail string) *Console {
	alerts := openStore(t)
	write(t, alerts, seed(90, testNow, 20*time.Minute)...)
	for _, a := range hostile(testNow.Add(-time.Hour)) {
		write(t, alerts, hit(a))
	}
	c := newHandler(t, Config{}, Deps{Store: alerts, Manager: dialManager(t, &managerStandIn{fleet: 3})})
	c.showLetters(alerts, bury(t, detail))
	return c
}

// TestAccessibility lets axe-core look at every view, in light and dark. No serious or critical fault may be left.
func TestAccessibility(t *testing.T) {
	axe := testenv.Axe(t)
	ctx := browser(t)
	p := openTab(t, ctx, everything(t, "failed to parse field"), "/")
	// axe-core makes style sheets of its own, which the page's policy forbids to everyone; TestHostileEverywhere runs with the policy.
	if _, err := chromedp.Call(p.ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	// The check must see what is wrong: a picture without a name, and text hardly darker than the page.
	p.show(0)
	p.is(`(() => { const box = document.createElement('p'); const img = document.createElement('img'); img.src = '/assets/shield.svg'; box.append(img, 'faint'); box.style.color = '#eee'; document.querySelector('#main').append(box); return 1; })()`)
	var seen []string
	for _, f := range p.audit(axe, false) {
		seen = append(seen, f.ID)
	}
	if !slices.Contains(seen, "image-alt") || !slices.Contains(seen, "color-contrast") {
		t.Fatalf("axe-core is blind: it sees %v in a page with faults", seen)
	}
	for _, scheme := range []string{"light", "dark"} {
		p.media(scheme)
		for i, v := range views {
			t.Run(scheme+" "+v.name, func(t *testing.T) {
				p := &tab{t: t, ctx: p.ctx, base: p.base}
				p.show(i)
				for _, f := range p.audit(axe, scheme == "dark") {
					switch f.Impact {
					case "serious", "critical":
						t.Errorf("%s: %s (%s)\n%s", f.Impact, f.Help, f.ID, strings.Join(f.Nodes, "\n"))
					default:
						t.Logf("%s: %s (%s): %s", f.Impact, f.Help, f.ID, f.Nodes[0])
					}
				}
			})
		}
	}
}

type fault struct {
	ID, Impact, Help string
	Nodes            []string
}

// audit runs axe-core in the page; colours alone where the rest was looked at already.
func (p *tab) audit(axe string, coloursAlone bool) []fault {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageWait)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](axe+"\n;typeof axe === 'object'")); err != nil {
		p.t.Fatalf("load axe-core: %v", err)
	}
	only := "undefined"
	if coloursAlone {
		only = "['color-contrast']"
	}
	look := `axe.run(document, { resultTypes: ['violations'], runOnly: ` + only + ` }).then((r) => JSON.stringify(r.violations.map((v) => (
		{ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 5).map((n) => n.html.slice(0, 200) + '\n    ' + n.failureSummary.slice(0, 300)) }))))`
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](look, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("run axe-core: %v", err)
	}
	var faults []fault
	if err := json.Unmarshal([]byte(text), &faults); err != nil {
		p.t.Fatal(err)
	}
	return faults
}
