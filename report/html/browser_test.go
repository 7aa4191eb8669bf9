package html

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser returns a context for tabs of a Chromium, which all tests share, or skips the
// test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here to open the report in: on Debian, apt-get install chromium")
	}
	shared.once.Do(func() { shared.start(path) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.ctx
}

// shared is the browser of all tests, once one of them wants it.
var shared sharedBrowser

type sharedBrowser struct {
	once sync.Once
	ctx  context.Context
	err  error
	end  []context.CancelFunc
}

func (s *sharedBrowser) start(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, end := chromedp.NewExecAllocator(context.Background(), options...)
	s.ctx, s.end = ctx, append(s.end, end)
	s.ctx, end = chromedp.NewContext(ctx)
	s.end = append(s.end, end)
	s.err = chromedp.Do(s.ctx)
}

func TestMain(m *testing.M) {
	status := m.Run()
	for _, end := range slices.Backward(shared.end) {
		end()
	}
	os.Exit(status)
}

// A tab has a file open, and notes what a report must not do.
type tab struct {
	*testing.T
	ctx context.Context
	url string

	mu       sync.Mutex
	offences []string
}

func open(t *testing.T, ctx context.Context, content string, first ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	name := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx, url: "file://" + filepath.ToSlash(name)}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.Request.URL != b.url {
				b.note("request of %s", e.Request.URL)
			}
		case *log.EventEntryAdded:
			b.note("log: %s", e.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			b.note("console: %s", e.Type)
		case *runtime.EventExceptionThrown:
			b.note("exception: %s", e.ExceptionDetails.Text)
		case *page.EventJavascriptDialogOpening:
			b.note("dialog: %s", e.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, log.Enable, struct{}{})
		return err
	}))
	b.do(first...)
	b.do(chromedp.Navigate(b.url))
	return b
}

func (b *tab) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offences = append(b.offences, fmt.Sprintf(format, args...))
}

// noted returns what the page did that a report must not do.
func (b *tab) noted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.offences
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// eval returns the value of an expression of JavaScript.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits until an expression is true.
func (b *tab) until(expression string) {
	b.Helper()
	for !eval[bool](b, expression) {
		select {
		case <-b.ctx.Done():
			b.Fatalf("never: %s", expression)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// rows returns the texts of a column of the rows that show.
func (b *tab) rows(column int) []string {
	b.Helper()
	return eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll("#table tbody tr")].filter(r => r.checkVisibility()).map(r => r.cells[%d].innerText.trim())`, column))
}

// clear empties the search.
func (b *tab) clear() {
	b.Helper()
	eval[bool](b, `search.value = "", search.dispatchEvent(new Event("input"))`)
	b.until(shownText + ` === "1,024 rows"`)
}

const shownText = `document.getElementById("shown").textContent`
