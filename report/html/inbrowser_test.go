package html

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// An administrator's way through a report: search, filter, sort, by mouse and by
// keyboard. Nothing is asked of a network, and nothing complained of.
func TestReportInBrowser(t *testing.T) {
	ctx := browser(t)
	b := open(t, ctx, written(t, sample(1024, "apply")))
	if got := eval[string](b, shownText); got != "1,024 rows" {
		t.Errorf("at first it shows %q", got)
	}
	if got := b.rows(2); len(got) != 1024 || got[0] != "! failed" {
		t.Errorf("%d rows, the first is %q", len(got), got[0])
	}

	b.do(chromedp.SendKeys("#search", "FABRIKAM http"))
	// It searches while one types, and what shows for half a word is of that.
	b.until(shownText + ` !== "1,024 rows" && [...document.querySelectorAll("#table tbody tr")].filter(r => r.checkVisibility()).every(r => /fabrikam/i.test(r.textContent) && /http/i.test(r.textContent))`)
	users, whys := b.rows(1), b.rows(4)
	if len(users) == 0 || len(users) > 20 {
		t.Errorf("search finds %d rows", len(users))
	}
	for i := range users {
		if !strings.Contains(users[i], "fabrikam") || !strings.Contains(whys[i], "HTTP") {
			t.Errorf("search finds %s: %s", users[i], whys[i])
		}
	}
	if got, want := eval[string](b, shownText), fmt.Sprintf("%d of 1,024 rows", len(users)); got != want && len(users) > 0 {
		t.Errorf("it says %q, want %q", got, want)
	}

	b.clear()
	b.do(chromedp.SendKeys("#search", "nobody at all"))
	b.until(`document.getElementById("nothing").checkVisibility()`)
	if got := eval[string](b, shownText); got != "0 of 1,024 rows" {
		t.Errorf("it says %q", got)
	}
	b.clear()

	eval[bool](b, `(filter.value = "unchanged", filter.dispatchEvent(new Event("change")))`)
	for _, status := range b.rows(2) {
		if status != "= unchanged" {
			t.Fatalf("the filter shows %q", status)
		}
	}
	eval[bool](b, `(filter.value = "", filter.dispatchEvent(new Event("change")))`)

	// By keyboard: the focus on the first heading, then Enter, twice.
	const heads = `[...document.querySelectorAll("#table thead th")]`
	eval[bool](b, heads+`[0].firstChild.focus() || true`)
	for _, want := range []string{"ascending", "descending"} {
		b.do(chromedp.SendKeys("#table thead th button", "\r"))
		b.until(fmt.Sprintf(heads+`[0].getAttribute("aria-sort") === %q`, want))
		lines := b.rows(0)
		if first := map[string]string{"ascending": "2", "descending": "1025"}[want]; len(lines) != 1024 || lines[0] != first {
			t.Errorf("sorted %s, %d rows, the first is line %s", want, len(lines), lines[0])
		}
	}
	eval[bool](b, heads+`[2].firstChild.click() || true`)
	if got := eval[[]string](b, heads+`.map(h => h.getAttribute("aria-sort") || "")`); strings.Join(got, ",") != ",,ascending,," {
		t.Errorf("aria-sort is %q", got)
	}
	statuses := b.rows(2)
	for i := 1; i < len(statuses); i++ {
		if strings.TrimLeft(statuses[i], "!?✓=·~ ") < strings.TrimLeft(statuses[i-1], "!?✓=·~ ") {
			t.Fatalf("%q comes after %q", statuses[i], statuses[i-1])
		}
	}
	if got := eval[bool](b, `document.documentElement.scrollWidth <= innerWidth`); !got {
		t.Error("the page is wider than the window")
	}
	b.do(chromedp.EmulateViewport(390, 844))
	if got := eval[bool](b, `document.documentElement.scrollWidth <= innerWidth`); !got {
		t.Error("on a phone, the page is wider than the screen")
	}
	if got := b.noted(); got != nil {
		t.Errorf("the report did %q", got)
	}
}

// What is in a roster does nothing, whatever it is.
func TestHostileReportInBrowser(t *testing.T) {
	b := open(t, browser(t), written(t, hostilePage()))
	b.do(chromedp.SendKeys("#search", "iframe"))
	b.until(shownText + `.includes(" of ")`)
	eval[bool](b, `[...document.querySelectorAll("#table th button")].forEach(b => b.click()) || true`)
	if links := eval[int](b, `document.links.length`); links != 1 {
		t.Errorf("there are %d links", links)
	}
	if got := eval[bool](b, `document.querySelector("style").sheet.cssRules.length > 50 && getComputedStyle(document.body).display === "block"`); !got {
		t.Error("the style sheet is not the report's")
	}
	if got := eval[bool](b, `document.documentElement.scrollWidth <= innerWidth`); !got {
		t.Error("the page is wider than the window")
	}
	if got := b.noted(); got != nil {
		t.Errorf("the report did %q", got)
	}
	// Were it markup, the policy would still be in its way.
	eval[bool](b, `document.body.insertAdjacentHTML("beforeend", "<img src=http://192.0.2.1/ onerror='document.title=1'><p style='display:none' onclick='document.title=1' id=probe>") || true`)
	eval[bool](b, `document.getElementById("probe").click() || true`)
	b.until(`getComputedStyle(document.getElementById("probe")).display === "block"`)
	if got := eval[string](b, `document.title`); got == "1" {
		t.Error("markup that was put into the page can run")
	}
}

// Without JavaScript everything is there but what would not work.
func TestReportWithoutScript(t *testing.T) {
	b := open(t, browser(t), written(t, sample(30, "audit")), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	if got := b.rows(0); len(got) != 30 {
		t.Errorf("%d rows show", len(got))
	}
	if eval[bool](b, `document.getElementById("controls").checkVisibility() || document.querySelector("th button, .tiles button, .command button") !== null`) {
		t.Error("there are controls, which do nothing")
	}
	if got := b.noted(); got != nil {
		t.Errorf("the report did %q", got)
	}
}

// The tests above would notice.
func TestBrowserNotices(t *testing.T) {
	b := open(t, browser(t), `<!doctype html><img src="http://127.0.0.1:9/x.png"><script>console.error("no"); undefined.x</script>`)
	b.until(`document.readyState === "complete"`)
	got := strings.Join(b.noted(), "\n")
	for _, want := range []string{"request of http://127.0.0.1:9/x.png", "console: error", "exception: "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q was not noticed: %s", want, got)
		}
	}
}

// How long a report of a million rows takes to open; and, with SHOTS=directory,
// pictures of reports to look at.
func TestReportToLookAt(t *testing.T) {
	long(t)
	ctx := browser(t)
	start := time.Now()
	b := open(t, ctx, written(t, sample(1_000_000, "apply")))
	b.until(`document.readyState === "complete"`)
	t.Logf("%v to make and open; in the browser %.0f ms until it was complete", time.Since(start).Round(time.Millisecond),
		eval[float64](b, `performance.getEntriesByType("navigation")[0].loadEventEnd`))
	if n := len(b.rows(0)); n != maxKept {
		t.Errorf("%d rows listed, want %d", n, maxKept)
	}
	start = time.Now()
	b.do(chromedp.SendKeys("#search", "user7"))
	b.until(shownText + `.includes(" of ")`)
	t.Logf("%v to search", time.Since(start).Round(time.Millisecond))
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	hurt := sample(600, "apply")
	hurt.Counts.Total, hurt.Stopped = 1024, "51 of 100 rows failed (--max-errors 50%)"
	for name, p := range map[string]*Page{"apply": sample(1024, "apply"), "audit": sample(412, "audit"), "stopped": hurt, "hostile": hostilePage()} {
		for _, theme := range []string{"light", "dark"} {
			for size, width := range map[string]int64{"wide": 1280, "phone": 400} {
				b := open(t, ctx, written(t, p), chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
					_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
					return err
				}))
				// Only the first rows: a picture of all is too long to look at.
				eval[bool](b, `[...document.querySelectorAll("#table tbody tr")].slice(24).forEach(r => r.remove()) || true`)
				picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, name+"-"+theme+"-"+size+".png"), picture, 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		b := open(t, ctx, written(t, p))
		printed, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPreferCSSPageSize()))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".pdf"), printed, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// long skips a test that make check has time for, and who waits for all tests has
// not.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("LONG") == "" {
		t.Skip("LONG=1 runs it")
	}
}
