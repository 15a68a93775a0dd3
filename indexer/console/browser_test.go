package console

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"armor/internal/testenv"
)

// pageWait is how long something may take to show on a loaded machine.
const pageWait = 30 * time.Second

// browser starts a real Chromium with a profile of its own.
func browser(t *testing.T) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(testenv.Chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// tab is one page of its own session.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	messages []string
}

// openTab opens a tab with an empty cookie jar and goes to the console's address with its token.
func openTab(t *testing.T, browser context.Context, handler http.Handler, path string) *tab {
	t.Helper()
	p := newTab(t, browser, serve(t, handler))
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	p.goTo(path + separator + "token=" + testToken)
	return p
}

func newTab(t *testing.T, browser context.Context, base string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, base: base}
	// The first action opens the tab, and the tab lives as long as the context of that action.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank"), chromedp.EmulateViewport(1366, 900)); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p.media("light")
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Berlin"}); err != nil {
		t.Fatal(err)
	}
	console := chromedp.Console(ctx)
	go func() {
		for message, err := range console {
			if err != nil {
				return
			}
			if message.IsException() || message.Type == "error" || message.Type == "warning" {
				p.mu.Lock()
				p.messages = append(p.messages, message.String())
				p.mu.Unlock()
			}
		}
	}()
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageWait)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("in the browser: %v\n%s", err, p.state())
	}
}

func (p *tab) goTo(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

// media chooses the system's colours.
func (p *tab) media(scheme string) {
	p.t.Helper()
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, params); err != nil {
		p.t.Fatal(err)
	}
}

// is gives the value of a JavaScript expression as text.
func (p *tab) is(expression string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageWait)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[any]("(()=>{const v=("+expression+");return typeof v==='object'?JSON.stringify(v):v})()"))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return fmt.Sprint(value)
}

// until waits for a JavaScript condition.
func (p *tab) until(condition string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageWait+10*time.Second)
	defer cancel()
	look := fmt.Sprintf(`new Promise((done) => {
		const end = Date.now() + %d;
		const look = () => { let ok = false; try { ok = Boolean(%s); } catch {} if (ok || Date.now() > end) done(ok); else setTimeout(look, 20); };
		look();
	})`, pageWait.Milliseconds(), condition)
	ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](look, chromedp.EvalAwaitPromise))
	if err != nil || !ok {
		p.t.Fatalf("never became true: %s (%v)\n%s", condition, err, p.state())
	}
}

// want compares the value of an expression.
func (p *tab) want(expression, value string) {
	p.t.Helper()
	if got := p.is(expression); got != value {
		p.t.Errorf("%s is %q, want %q", expression, got, value)
	}
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (p *tab) key(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// quiet fails for anything that the page wrote to the browser's console: exceptions and refusals by the content policy among it.
func (p *tab) quiet(except ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
next:
	for _, m := range p.messages {
		for _, e := range except {
			if strings.Contains(m, e) {
				continue next
			}
		}
		p.t.Errorf("the browser's console says: %s", m)
	}
}

func (p *tab) state() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText.slice(0, 2000)"))
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%s (%v)\nconsole: %s", text, err, strings.Join(p.messages, "\n"))
}

// picture saves a screenshot where ARMOR_SCREENSHOTS names a folder: for people to look at.
func (p *tab) picture(name string) {
	p.t.Helper()
	dir := os.Getenv("ARMOR_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// point reads a place on the page.
func (p *tab) point(expression string) (x, y float64) {
	p.t.Helper()
	if _, err := fmt.Sscanf(p.is(expression), "[%f,%f]", &x, &y); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return x, y
}

// forget drops messages that the test caused on purpose.
func (p *tab) forget(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = slices.DeleteFunc(p.messages, func(m string) bool { return strings.Contains(m, text) })
}
