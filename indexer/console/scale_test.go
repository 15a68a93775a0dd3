package console

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"armor/indexer/store"
)

// manyAlerts is how many alerts the console has to show without a wait.
const manyAlerts = 100_000

// TestPageOfManyAlerts opens the page on a store of 100,000 alerts, changes the range, turns pages and exports everything. The times are reported, not judged.
func TestPageOfManyAlerts(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 alerts take a while to write")
	}
	ctx := browser(t)
	alerts := openStore(t)
	newest := time.Now().Add(-time.Minute)
	began := time.Now()
	fill(t, alerts, newest, manyAlerts)
	t.Logf("wrote %d alerts in %s", manyAlerts, time.Since(began).Round(time.Millisecond))
	c := newHandler(t, Config{}, Deps{Store: alerts})
	p := newTab(t, ctx, serve(t, c))
	timed := func(what string, do func(), until string) {
		t.Helper()
		began := time.Now()
		do()
		p.until(until)
		t.Logf("%-44s %s", what, time.Since(began).Round(time.Millisecond))
	}
	rows := rowCount + ` === 50 && !document.querySelector('#results').hasAttribute('aria-busy')`
	total := func(n string) string { return alertsTile + ` === '` + n + `' && ` + rows }
	timed("first paint (whole store, opened cold)", func() { p.goTo("/?range=all&token=" + testToken) }, total("100,000"))
	choose := func(id, value string) func() {
		return func() {
			p.is(fmt.Sprintf(`(() => { const s = document.querySelector(%q); s.value = %q; s.dispatchEvent(new Event('change')); return 1; })()`, id, value))
		}
	}
	timed("range: last 7 days", choose("#range", "7d"), alertsTile+`.startsWith('33,5') && `+rows)
	timed("range: all", choose("#range", "all"), total("100,000"))
	timed("level >= 5", choose("#level", "5"), total("22,222"))
	timed("level: all", choose("#level", "0"), total("100,000"))
	timed("filter by user (a field of the documents)", func() { p.click(`tr.alert .cell[data-field="user.name"]`) }, total("25,000"))
	timed("and by account", func() { p.click(`tr.alert .cell[data-field="cloud.account.id"]`) }, `document.querySelectorAll('.chip').length === 2 && `+total("25,000"))
	timed("filters cleared", func() { p.click("#chips > .plain") }, total("100,000"))
	timed("next page", func() { p.click("#next-page") }, `document.querySelector('#page-number').textContent.startsWith('Page 2 ') && `+rows)
	timed("oldest first", func() { p.click("#order") }, `document.querySelector('#time-column').ariaSort === 'ascending' && `+rows)
	timed("details of an alert", func() { p.click("tr.alert .opener") }, `document.querySelector('tr.details pre')`)
	timed("dashboard AWS overview", func() { p.click("#nav-board") }, boardDrawn+` && document.querySelector('#board .tile .figure').textContent === '100,000'`)
	timed("a word in the logs", func() {
		p.do(chromedp.SetValue(chromedp.CSS("#q"), "ci-runner"))
		p.is(`document.querySelector('#toolbar').requestSubmit()`)
	},
		`document.querySelector('#board .tile .figure').textContent === '25,000'`)
	p.quiet("404") // there is no manager

	began = time.Now()
	w := request(t, c, "/api/v1/export?format=csv")
	if w.Header().Get("Armor-Alerts-Sent") != "100000" {
		t.Errorf("export: %v", w.Header())
	}
	t.Logf("%-44s %s, %d MiB", "export of everything as CSV", time.Since(began).Round(time.Millisecond), w.Body.Len()>>20)
}

// fill writes alerts, one every 18 s back from the newest.
func fill(t testing.TB, s store.Store, newest time.Time, n int) {
	t.Helper()
	const step, part = 18 * time.Second, 2000
	for from := 0; from < n; from += part {
		hits := make([]store.Hit, 0, part)
		for i := from; i < min(n, from+part); i++ {
			hits = append(hits, hit(ec2Alert(i, newest.Add(-time.Duration(i)*step))))
		}
		write(t, s, hits...)
	}
}
