package console

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"armor/indexer/store"
)

// TestPage runs the flows of a person in a real Chromium.
func TestPage(t *testing.T) { runFlows(t, func(t *testing.T) store.Store { return openStore(t) }) }

// runFlows runs each flow on a store of its own with the same alerts.
func runFlows(t *testing.T, open func(*testing.T) store.Store) {
	ctx := browser(t)
	letters := bury(t, "failed to parse field [data.aws.requestParameters.tags]")
	tests := map[string]func(*testing.T, *tab, store.Store){
		"panels and table": testPanels, "filter by click": testFilterByClick, "details": testDetails, "keyboard": testKeyboard,
		"search": testSearch, "hostile lines": testHostile, "colours": testColours, "phone": testPhone, "address": testAddress,
		"time zone": testZone, "pages and order": testMore, "manager's views": testManagerViews,
		"filter by cell": testFilterByCell, "dashboards": testDashboards, "shortcuts": testShortcuts,
		"agents": testAgents, "dead letters": testLetters,
	}
	for name, run := range tests {
		t.Run(name, func(t *testing.T) {
			alerts := open(t)
			write(t, alerts, seed(90, testNow, 20*time.Minute)...)
			c := newHandler(t, Config{}, Deps{Store: alerts, Manager: dialManager(t, &managerStandIn{fleet: 3})})
			c.showLetters(alerts, letters)
			p := openTab(t, ctx, c, "/")
			p.until(`document.querySelectorAll('tr.alert').length === 50`)
			run(t, p, alerts)
			p.quiet()
		})
	}
}

const (
	alertsTile = `document.querySelector('#tile-alerts').textContent`
	rowCount   = `document.querySelectorAll('tr.alert').length`
	chips      = `[...document.querySelectorAll('.chip-text')].map((c) => c.textContent).join(' & ')`
	chart      = `Chart.getChart(document.querySelector('#%s'))`
)

func chartOf(id string) string { return strings.ReplaceAll(chart, "%s", id) }

func testPanels(t *testing.T, p *tab, _ store.Store) {
	p.want(`location.search`, "?range=all")
	p.want(alertsTile, "90")
	p.want(`document.querySelector('#tile-high').textContent`, "0")
	p.want(`document.querySelector('#tile-agents').textContent`, "2")
	p.want(`document.querySelector('#pie-title').textContent`, "Pie Chart")
	p.want(`document.querySelector('#bars-title').textContent`, "Stacked Groups")
	p.want(chartOf("pie")+`.data.datasets[0].data`, "[10,10,10,10,10,40]")
	p.want(chartOf("pie")+`.data.labels.at(-1)`, "Other")
	p.want(`[...document.querySelectorAll('#pie-legend .count')].map((c) => c.textContent)`, `["10","10","10","10","10","40"]`)
	p.want(chartOf("bars")+`.data.datasets.map((d) => [d.label, d.data.reduce((a, b) => a + b, 0)])`, `[["amazon",90],["amazon-ec2",90]]`)
	p.want(`[...document.querySelector('tr.alert').children].map((c) => c.textContent).slice(0, 6)`,
		`["2026-03-05 15:30:00","cloud-collector","80301","Level 2","Amazon-ec2: Run instance","amazon-ec2amazon"]`)
	p.until(`document.querySelector('#hint').textContent.includes('No alert is younger than 24 hours')`)
	p.until(`document.querySelector('#link-text').textContent === 'Every 10 s'`)
	p.picture("light")
}

func testFilterByClick(t *testing.T, p *tab, _ store.Store) {
	// A slice: the middle of the first one, on the canvas itself.
	x, y := p.point(`(() => { const c = ` + chartOf("pie") + `; const a = c.getDatasetMeta(0).data[0].tooltipPosition(); const r = c.canvas.getBoundingClientRect(); return [r.x + a.x, r.y + a.y]; })()`)
	p.do(chromedp.MouseClickXY(x, y))
	p.until(alertsTile + ` === '10'`)
	first := p.is(chips)
	if !strings.HasPrefix(first, "rule.description Amazon-ec2: ") {
		t.Errorf("chips: %s", first)
	}
	// A bar.
	x, y = p.point(`(() => { const c = ` + chartOf("bars") + `; const i = c.data.datasets[1].data.findIndex((n) => n > 0); const e = c.getDatasetMeta(1).data[i]; const r = c.canvas.getBoundingClientRect(); return [r.x + e.x, r.y + (e.y + e.base) / 2]; })()`)
	p.do(chromedp.MouseClickXY(x, y))
	p.until(`document.querySelectorAll('.chip').length === 2`)
	p.until(alertsTile + ` === '10'`)
	if got := p.is(chips); got != first+" & rule.groups amazon-ec2" {
		t.Errorf("chips: %s", got)
	}
	// Turning a filter round, and taking it away.
	p.click(".chip:nth-child(2) .chip-text")
	p.until(`document.querySelector('#empty').textContent.includes('No alerts match')`)
	p.click(".chip:nth-child(2) .chip-remove")
	p.until(alertsTile + ` === '10' && ` + rowCount + ` === 10`)
	// The back button goes the same way back.
	p.do(chromedp.NavigateBack())
	p.until(`document.querySelector('#empty').textContent.includes('No alerts match')`)
	p.click("#empty button")
	p.until(alertsTile + ` === '90'`)
}

func testDetails(t *testing.T, p *tab, _ store.Store) {
	p.click("tr.alert:nth-child(6) td.c-description")
	p.until(`document.querySelector('tr.details pre')`)
	p.want(`document.querySelector('tr.details h3').textContent`, "Amazon-ec2: Stop instance unauthorized")
	if log := p.is(`document.querySelector('tr.details pre').textContent`); !strings.Contains(log, `"errorCode":"Client.UnauthorizedOperation"`) || !strings.HasSuffix(log, "}}") {
		t.Errorf("full log %q", log)
	}
	field := `[...document.querySelectorAll('.fields tr')].find((r) => r.querySelector('th')?.textContent === 'data.aws.awsRegion')`
	p.want(field+`.querySelector('.value').textContent`, "eu-west-1")
	p.picture("details")
	p.is(`[...document.querySelectorAll('tr.details .choice')].find((b) => b.textContent === 'JSON').click()`)
	p.want(`JSON.parse(document.querySelector('tr.details pre.json').textContent).data.aws.errorCode`, "Client.UnauthorizedOperation")
	p.want(`document.querySelector('tr.details .fields').hidden`, "true")
	p.is(`[...document.querySelectorAll('tr.details .choice')].find((b) => b.textContent === 'Fields').click()`)
	p.is(field + `.querySelector('[aria-label^="Filter for"]').click()`)
	p.until(alertsTile + ` === '30' && document.querySelector('#shown').textContent.includes('of 30') && ` + rowCount + ` === 30`)
	p.want(chips, "data.aws.awsRegion eu-west-1")
	// The row is still among those that match, and still open.
	p.click("tr.alert .opener")
	p.until(`document.querySelectorAll('tr.details .fields').length === 2`)
	field = strings.Replace(field, "data.aws.awsRegion", "agent.name", 1)
	p.is(field + `.querySelector('[aria-label^="Filter out"]').click()`)
	p.until(alertsTile + ` === '15'`)
	p.want(`new URLSearchParams(location.search).get('n')`, "agent.name:cloud-collector")
}

func testKeyboard(t *testing.T, p *tab, _ store.Store) {
	p.want(`document.activeElement.tagName`, "BODY")
	p.key(kb.Tab)
	p.want(`document.activeElement.textContent`, "Skip to the alerts")
	p.key("/")
	p.want(`document.activeElement.id`, "q")
	p.key("rule.id:80309" + kb.Enter)
	p.until(alertsTile + ` === '10'`)
	for range 60 {
		p.key(kb.Tab)
		if p.is(`document.activeElement.className`) == "opener" {
			break
		}
	}
	p.want(`document.activeElement.getAttribute('aria-label').includes('level 5: Amazon-ec2: Stop instance unauthorized')`, "true")
	p.key(kb.ArrowDown + kb.ArrowDown)
	p.want(`[...document.querySelectorAll('.opener')].indexOf(document.activeElement)`, "2")
	p.key(kb.Enter)
	p.until(`document.querySelector('tr.details pre')`)
	p.want(`document.activeElement.getAttribute('aria-expanded')`, "true")
	p.want(`document.querySelectorAll('tr.alert')[2].nextElementSibling.className`, "details")
	p.key(kb.End)
	p.want(`[...document.querySelectorAll('.opener')].indexOf(document.activeElement)`, "9")
	// A legend entry filters like its slice.
	p.is(`document.querySelector('#bars-legend button').focus()`)
	p.key(kb.Enter)
	p.until(`document.querySelectorAll('.chip').length === 1`)
}

func testSearch(t *testing.T, p *tab, _ store.Store) {
	p.do(chromedp.SendKeys(chromedp.CSS("#q"), "rule.level:>=5 AND (agent.name:audit-eu"))
	p.until(`document.querySelector('#q-error').textContent.length > 0`)
	p.want(`document.querySelector('#q').getAttribute('aria-invalid')`, "true")
	p.until(`document.querySelector('#q-error mark')`)
	p.want(alertsTile, "90")
	p.picture("query-error")
	p.do(chromedp.SendKeys(chromedp.CSS("#q"), ")"))
	p.until(alertsTile + ` === '10'`)
	p.want(`document.querySelector('#q-error').textContent`, "")
	p.want(`document.querySelector('#q').hasAttribute('aria-invalid')`, "false")
	p.do(chromedp.SetValue(chromedp.CSS("#level"), "5"))
	p.is(`document.querySelector('#level').dispatchEvent(new Event('change'))`)
	p.until(`new URLSearchParams(location.search).get('level') === '5'`)
	p.do(chromedp.Reload())
	p.until(alertsTile + ` === '10'`)
	p.want(`document.querySelector('#q').value`, "rule.level:>=5 AND (agent.name:audit-eu)")
	p.want(`document.querySelector('#level').value`, "5")
	// The refused query made the browser note the status 400.
	p.forget("400")
}

func testHostile(t *testing.T, p *tab, alerts store.Store) {
	for _, a := range hostile(testNow.Add(time.Hour)) {
		write(t, alerts, hit(a))
	}
	p.do(chromedp.Reload())
	p.until(alertsTile + ` === '95'`)
	p.want(`document.querySelector('#tile-high').textContent`, "5")
	for range 5 {
		p.is(`document.querySelector('.opener[aria-expanded="false"]').click()`)
	}
	p.until(`document.querySelectorAll('tr.details pre:not(.json)').length === 5`)
	p.want(`[...document.querySelectorAll('tr.details')].map((d) => d.querySelectorAll('script, img, svg, b, u, i').length).join()`, "0,0,0,0,0")
	p.want(`[...document.querySelectorAll('tr.details pre')].some((e) => e.textContent.startsWith('<script>window.hacked=1</script><img src=x'))`, "true")
	p.want(`[...document.querySelectorAll('tr.details pre')].some((e) => e.textContent.length === 61442)`, "true")
	p.want(`[...document.querySelectorAll('tr.details pre')].some((e) => e.textContent.includes('⟨U+202E⟩gnp.exe') && e.textContent.includes('␛[31m') && e.textContent.includes('␀nul'))`, "true")
	p.want(`/[\u202a-\u202e\u2066-\u2069\u0000-\u0008]/.test(document.body.textContent)`, "false")
	p.want(`typeof window.hacked`, "undefined")
	p.want(`document.documentElement.scrollWidth <= innerWidth`, "true")
	p.is(`[...document.querySelectorAll('#bars-legend button')].find((b) => b.textContent.includes('<i>group</i>')).click()`)
	p.until(alertsTile + ` === '5'`)
	p.want(chips, "rule.groups <i>group</i>")
	p.picture("hostile")
}

func testColours(t *testing.T, p *tab, _ store.Store) {
	background := `getComputedStyle(document.body).backgroundColor`
	p.want(background, "rgb(243, 245, 248)")
	p.media("dark")
	p.until(background + ` === 'rgb(14, 19, 25)'`)
	p.until(chartOf("pie") + `.data.datasets[0].backgroundColor[0] === '#6ea3ea'`)
	p.picture("dark")
	p.is(`(() => { const s = document.querySelector('#theme'); s.value = 'light'; s.dispatchEvent(new Event('change')); })()`)
	p.until(background + ` === 'rgb(243, 245, 248)'`)
	p.do(chromedp.Reload())
	p.until(alertsTile + ` === '90'`)
	p.want(background, "rgb(243, 245, 248)")
	p.want(`document.querySelector('#theme').value`, "light")
}

func testPhone(t *testing.T, p *tab, _ store.Store) {
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	p.do(chromedp.Reload())
	p.until(alertsTile + ` === '90'`)
	p.want(`document.documentElement.scrollWidth`, "390")
	p.want(`[...document.querySelectorAll('.panel, .tile, .field, tr.alert')].filter((e) => e.getBoundingClientRect().right > 390.5).length`, "0")
	p.picture("phone")
	p.is(`document.querySelector('#table-title').scrollIntoView()`)
	p.click("tr.alert .opener")
	p.until(`document.querySelector('tr.details pre')`)
	p.want(`document.documentElement.scrollWidth`, "390")
	p.picture("phone-details")
}

func testAddress(t *testing.T, p *tab, _ store.Store) {
	p.goTo("/?range=2026-03-05T00:00:00Z..2026-03-05T12:00:00Z&group=amazon&n=rule.id:80301&level=5")
	p.until(alertsTile + ` === '8'`)
	p.want(`document.querySelector('#range').selectedOptions[0].textContent`, "2026-03-05 01:00:00 – 2026-03-05 13:00:00")
	p.want(`document.querySelector('#group').value`, "amazon")
	p.want(`document.querySelector('#export-csv').getAttribute('href')`,
		"/api/v1/export?since=2026-03-05T00%3A00%3A00.000Z&until=2026-03-05T12%3A00%3A00.000Z&level=5&group=amazon&n=rule.id%3A80301&format=csv")
	// An address that makes no sense opens the page as it is.
	p.goTo("/?range=nonsense&level=99&view=nowhere&f=:x&rule=../x")
	p.until(alertsTile + ` === '90'`)
	// A range without alerts offers the one that has them.
	p.goTo("/?range=15m")
	p.until(`document.querySelector('#empty').textContent.includes('The store holds 90 alerts, from 2026-03-04 09:50:00 to 2026-03-05 15:30:00.')`)
	p.picture("empty-range")
	p.click("#show-all-time")
	p.until(alertsTile + ` === '90'`)
}

func testZone(t *testing.T, p *tab, _ store.Store) {
	p.want(`document.querySelector('#zone').value`, "Europe/Berlin")
	p.want(`document.querySelector('#time-head').textContent`, "Time (Europe/Berlin)")
	p.is(`(() => { const s = document.querySelector('#zone'); s.value = 'UTC'; s.dispatchEvent(new Event('change')); })()`)
	p.until(`document.querySelector('tr.alert time').textContent === '2026-03-05 14:30:00'`)
	p.want(`document.querySelector('#time-head').textContent`, "Time (UTC)")
	// A custom range is read in the zone shown.
	p.is(`(() => { const s = document.querySelector('#range'); s.value = 'custom'; s.dispatchEvent(new Event('change')); })()`)
	p.is(`(() => { document.querySelector('#from').value = '2026-03-05T14:00:00'; document.querySelector('#to').value = '2026-03-05T14:30:01'; document.querySelector('#custom-apply').click(); })()`)
	p.until(alertsTile + ` === '2'`)
	p.want(`new URLSearchParams(location.search).get('range')`, "2026-03-05T14:00:00.000Z..2026-03-05T14:30:01.000Z")
}

func testMore(t *testing.T, p *tab, _ store.Store) {
	first := p.is(`document.querySelector('tr.alert').dataset.id`)
	p.want(`document.querySelector('#shown').textContent`, "1–50 of 90")
	p.click("#next-page")
	p.until(`document.querySelector('#page-number').textContent === 'Page 2 of 2' && ` + rowCount + ` === 40`)
	p.want(`document.querySelector('#shown').textContent`, "51–90 of 90")
	p.want(`document.querySelector('#next-page').disabled`, "true")
	// A page stands in the address: it is there again after a reload, and the back button leads to the one before.
	p.do(chromedp.Reload())
	p.until(rowCount + ` === 40`)
	p.click("#previous-page")
	p.until(`document.querySelector('tr.alert').dataset.id === '` + first + `'`)
	p.do(chromedp.NavigateBack())
	p.until(rowCount + ` === 40`)
	// Another order starts at its first page.
	p.click("#order")
	p.until(rowCount + ` === 50 && document.querySelector('#time-column').getAttribute('aria-sort') === 'ascending'`)
	p.until(`document.querySelector('tr.alert time').textContent === '2026-03-04 09:50:00'`)
	p.want(`new URLSearchParams(location.search).get('order') + new URLSearchParams(location.search).get('page')`, "oldestnull")
	p.click("#order")
	p.until(`document.querySelector('tr.alert').dataset.id === '` + first + `'`)
}

func testManagerViews(t *testing.T, p *tab, _ store.Store) {
	p.click("#nav-agents")
	p.until(`document.querySelectorAll('#view-agents tbody tr').length === 3`)
	p.want(`document.querySelector('#nav-agents').getAttribute('aria-current')`, "page")
	p.click("#nav-status")
	p.until(`document.querySelector('#view-status').textContent.includes('Elasticsearch answers 503')`)
	p.want(`[...document.querySelectorAll('.equation .state')].map((e) => e.textContent)`, `["Adds up: nothing is lost.","Adds up: nothing is lost.","Adds up but for 11 on the way."]`)
	p.want(`[...document.querySelectorAll('#view-status tbody tr')].map((r) => [...r.cells].slice(0, 2).map((c) => c.textContent).join(' '))`, `["engine_panic 1","unmappable 4"]`)
	p.want(`[...document.querySelectorAll('#view-status .components .alarm')].map((f) => f.querySelector('dt').textContent + ' ' + f.querySelector('dd').textContent)`,
		`["state evicted bytes 7","agents dropped 31","agents lost 2","dead letter 1","dead letters 4"]`)
	p.want(`[...document.querySelectorAll('#view-status dt')].filter((d) => /lag|spooled$/.test(d.textContent)).map((d) => d.textContent + ' ' + d.nextSibling.textContent)`,
		`["spooled 0","agents lag 3 min 20 s","agents spooled 1,204","lag 12 s"]`)
	p.want(`document.querySelector('#view-status .problems').textContent.includes('rules/local.xml:12')`, "true")
	p.want(`[...document.querySelectorAll('#view-status dt')].some((d) => d.textContent === 'state bytes' && d.nextSibling.textContent === '3.2 MiB')`, "true")
	p.picture("status")
	p.click("#nav-alerts")
	p.until(`!document.querySelector('#view-alerts').hidden`)
	p.until(rowCount + ` === 50`)
	p.click("tr.alert:nth-child(6) .c-rule a")
	p.until(`document.querySelector('#view-rule pre')?.textContent.startsWith('<rule id="80309"')`)
	p.until(`document.querySelector('#fired').textContent.startsWith('10 alerts in the time range (All time), from 2 agents, the last at 2026-03-05 13:50:00')`)
	p.want(`[...document.querySelectorAll('#view-rule .technique')].map((t) => [t.textContent, t.querySelector('a')?.href ?? '', t.querySelector('a')?.rel ?? ''].join())`,
		`["T1489 Service Stop Impact,https://attack.mitre.org/techniques/T1489/,noreferrer noopener","javascript:alert(1),,"]`)
	p.want(`[...document.querySelectorAll('#view-rule tbody a')].map((a) => a.textContent)`, `["80308","80999"]`)
	p.want(`[...document.querySelectorAll('#view-rule .rule-test')].map((t) => t.querySelector('h3').textContent + ' | ' + t.querySelector('.expect').textContent)`,
		`["80309 fires Fires | rule 80309 · level 5","80309 silent Silent | not 80309"]`)
	p.want(`document.querySelector('#view-rule .rule-test:nth-of-type(2) pre').textContent`, "<script>window.hacked=1</script>…")
	p.want(`document.querySelector('#view-rule .rule-tests .problems').textContent`, "tests/broken.yaml:3: unknown key")
	p.picture("rule")
	p.click("#view-rule .view-head a")
	p.until(alertsTile + ` === '10'`)
	p.want(chips, "rule.id 80309")
}

// TestPageStates shows what a store only sometimes is: empty, away, back.
func TestPageStates(t *testing.T) {
	ctx := browser(t)
	m := &memory{}
	p := openTab(t, ctx, newHandler(t, Config{}, Deps{Store: m}), "/")
	p.until(`document.querySelector('#empty h2')?.textContent === 'No alerts yet'`)
	p.want(alertsTile, "0")
	p.want(`document.querySelector('#results').hidden`, "true")
	p.picture("empty")

	m.put(seed(20, time.Now(), time.Minute)...)
	p.do(chromedp.Reload())
	p.until(alertsTile + ` === '20'`)
	p.want(`location.search`, "?range=24h")

	m.fail(errors.New("Elasticsearch at 192.0.2.7:9200: connection refused"))
	p.is(`document.querySelector('#toolbar').requestSubmit()`)
	p.until(`document.querySelector('#banner strong')?.textContent === 'Alert store unreachable'`)
	p.want(alertsTile, "20")
	p.want(`document.querySelector('#empty').hidden`, "true")
	p.want(`document.querySelector('#banner').textContent.includes('connection refused')`, "true")
	p.picture("error")

	m.fail(nil)
	p.until(`!document.querySelector('#banner').firstChild`)
	p.until(alertsTile + ` === '20'`)
	p.quiet("503", "404")

	p.goTo("/?range=24h&token=wrong")
	p.until(alertsTile + ` === '20'`) // the cookie still holds
	other := newTab(t, ctx, p.base)
	other.goTo("/")
	other.want(`document.querySelector('h1').textContent`, "Not signed in")
	other.picture("unauthorized")
	other.quiet("401")
}

// slowCounts is a store that finds alerts at once and counts them when it is let.
type slowCounts struct {
	*memory
	hold chan struct{}
}

func (s slowCounts) Aggregate(ctx context.Context, a store.Aggregation) (store.Aggregate, error) {
	select {
	case <-s.hold:
	case <-ctx.Done():
		return store.Aggregate{}, ctx.Err()
	}
	return s.memory.Aggregate(ctx, a)
}

// TestSlowFigures holds the figures back: the table does not wait for them.
func TestSlowFigures(t *testing.T) {
	ctx := browser(t)
	s := slowCounts{&memory{}, make(chan struct{})}
	s.put(seed(20, time.Now(), time.Minute)...)
	p := openTab(t, ctx, newHandler(t, Config{}, Deps{Store: s}), "/?range=24h")
	p.until(rowCount + ` === 20 && document.querySelector('#shown').textContent === 'Counting…'`)
	p.want(`document.querySelector('#results').hasAttribute('aria-busy')`, "true")
	close(s.hold)
	p.until(alertsTile + ` === '20' && document.querySelector('#shown').textContent === '1–20 of 20'`)
	p.quiet("404")
}

// TestPageLive follows alerts from the manager's publish to the rows of the page.
func TestPageLive(t *testing.T) {
	ctx := browser(t)
	alerts := openStore(t)
	conn := connect(t)
	p := openTab(t, ctx, newHandler(t, Config{}, Deps{Store: alerts, Stream: conn}), "/")
	p.until(`document.querySelector('#link').dataset.state === 'live'`)
	p.until(`document.querySelector('#empty h2')?.textContent === 'No alerts yet'`)
	publisher := conn.NewPublisher(64)
	defer publisher.Close()
	newest := time.Now()
	for i := range len(ec2Rules) {
		alert := ec2Alert(i, newest.Add(-time.Duration(i)*time.Second))
		publish(t, publisher, alert)
		write(t, alerts, hit(alert)) // what the indexer does
	}
	p.until(alertsTile + ` === '9' && ` + rowCount + ` === 9`)
	p.want(`[...document.querySelectorAll('tr.alert .c-rule')].map((c) => c.textContent).sort()`, `["80301","80303","80305","80306","80308","80309","80404","80411","80446"]`)
	p.until(`Number(document.querySelector('#tile-rate').textContent) > 0`)

	// An open row stays open, and the focus stays, while others arrive.
	p.click("tr.alert:nth-child(3) .opener")
	p.until(`document.querySelector('tr.details pre')`)
	open := p.is(`document.querySelector('tr.alert.open').dataset.id`)
	late := ec2Alert(1000, newest.Add(time.Second))
	publish(t, publisher, late)
	write(t, alerts, hit(late))
	p.until(rowCount + ` === 10`)
	p.want(`document.querySelector('tr.alert.open').dataset.id`, open)
	p.want(`document.querySelector('tr.alert.open').nextElementSibling.className`, "details")
	p.want(`document.activeElement.closest('tr').dataset.id`, open)
	p.want(`document.querySelector('tr.alert').classList.contains('new')`, "true")

	p.click("#live")
	p.want(`document.querySelector('#live').textContent`, "Resume")
	another := ec2Alert(1001, newest.Add(2*time.Second))
	publish(t, publisher, another)
	write(t, alerts, hit(another))
	p.until(`document.querySelector('#link-text').textContent === 'Paused, 1 new alert'`)
	p.want(rowCount, "10")
	p.click("#live")
	p.until(rowCount + ` === 11`)
	p.quiet("404")
}

func testFilterByCell(t *testing.T, p *tab, _ store.Store) {
	p.want(`document.querySelector('tr.alert:nth-child(6) .facts').textContent.trim().replace(/\s+/g, ' ')`,
		"StopInstances on ec2 by marta from 198.51.100.6 account 444455556666 in eu-west-1 error Client.UnauthorizedOperation")
	p.click(`tr.alert:nth-child(6) .cell[data-field="user.name"]`)
	p.until(`document.querySelector('.chip')`)
	p.want(chips, "user.name marta")
	p.until(alertsTile + ` === '23'`)
	p.want(`document.querySelectorAll('tr.details').length`, "0")
	p.click(`tr.alert .cell[data-field="cloud.account.id"]`)
	p.until(`document.querySelectorAll('.chip').length === 2`)
	// With Alt a value is filtered out.
	p.is(`document.querySelector('tr.alert .cell[data-field="cloud.region"]').dispatchEvent(new MouseEvent('click', { bubbles: true, altKey: true }))`)
	p.until(`document.querySelectorAll('.chip.not').length === 1`)
	p.until(rowCount + ` === 15`)
	p.do(chromedp.NavigateBack())
	p.until(rowCount + ` === 23`)
	p.do(chromedp.NavigateForward())
	p.until(rowCount + ` === 15`)
}

func testDashboards(t *testing.T, p *tab, alerts store.Store) {
	write(t, alerts, hit(hostile(testNow.Add(-time.Minute))[0])) // not of AWS
	p.click("#nav-board")
	p.until(boardDrawn)
	p.want(`document.querySelector('.board-link[aria-current]').textContent`, "AWS overview")
	p.want(`[...document.querySelectorAll('#board .tile .figure')].map((f) => f.textContent)`, `["90","0","30","2"]`)
	p.want(`document.querySelector('#shown').textContent`, "1–50 of 90")
	panel := func(id, what string) string {
		return `document.querySelector('#board [data-panel="` + id + `"]` + what
	}
	p.want(`[...`+panel("regions", `').querySelectorAll('button')`)+`].map((b) => [b.querySelector('.name').textContent, b.querySelector('.count').textContent].join(' '))`,
		`["eu-central-1 30","eu-west-1 30","us-east-1 30"]`)
	p.picture("aws")
	p.want(`(() => { const b = [...`+panel("levels", `').querySelectorAll('button')`)+`]; return [b.map((x) => x.dataset.key).join(), new Set(b.map((x) => getComputedStyle(x.firstChild).backgroundColor)).size].join(' in ') })()`,
		"2,5 in 2")
	p.click(`#board [data-panel="users"] button`)
	p.until(`document.querySelector('#board .tile .figure').textContent === '23' && ` + rowCount + ` === 23`)
	p.want(`document.querySelectorAll('#boards a').length`, "4")
	p.click("#boards a")
	p.until(`document.querySelector('.board-link[aria-current]').textContent === 'Amazon EC2' && document.querySelector('#board [data-panel="stacked-groups"]')`)
	p.until(panel("users", `').querySelectorAll('button').length === 1`))
	p.want(`[...document.querySelectorAll('#board h2')].slice(0, 2).map((h) => h.textContent)`, `["Pie Chart","Stacked Groups"]`)
	p.want(`document.querySelector('#export-csv').getAttribute('href').includes('board=amazon-ec2')`, "true")
	p.click("#nav-alerts")
	p.until(`document.querySelector('#board').hidden && ` + alertsTile + ` === '23'`)
	p.want(`location.search.includes('board')`, "false")
}

func testShortcuts(t *testing.T, p *tab, _ store.Store) {
	at := `[...document.querySelectorAll('.opener')].indexOf(document.activeElement)`
	p.key("jjj")
	p.want(at, "2")
	p.key("k")
	p.want(at, "1")
	p.key(kb.Enter)
	p.until(`document.querySelector('tr.details pre')`)
	p.is(`document.querySelector('tr.details .sign').focus()`)
	p.key(kb.Escape)
	p.want(`document.querySelectorAll('tr.details').length`, "0")
	p.want(at, "1")
	p.key("?")
	p.until(`document.querySelector('#help').open`)
	p.picture("help")
	p.key("j")
	p.key(kb.Escape)
	p.until(`!document.querySelector('#help').open`)
	p.want(at, "1")
	p.key("n")
	p.until(rowCount + ` === 40`)
	p.key("p")
	p.until(rowCount + ` === 50`)
	p.key("l")
	p.until(`document.querySelector('#link-text').textContent === 'Paused'`)
	p.key("l")
	p.until(`document.querySelector('#live').textContent === 'Pause'`)
	p.key("gf")
	p.until(`document.querySelectorAll('#view-agents tbody tr').length === 3`)
	p.key("ga")
	p.until(`!document.querySelector('#view-alerts').hidden`)
	// In a field the keys are letters.
	p.key("/")
	p.key("jk?")
	p.want(`document.querySelector('#q').value`, "jk?")
	p.key(kb.Escape)
	p.want(`document.activeElement.tagName`, "BODY")
}
