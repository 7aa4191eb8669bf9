package html

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
)

// What an administrator does with a report: filter by a tile, save the rows that show,
// copy a command.
func TestControlsInBrowser(t *testing.T) {
	ctx := browser(t)
	dir := downloads(t, ctx)
	p := sample(200, "apply")
	res := pipeline.Result{Status: pipeline.Failed, Err: errors.New(`=HYPERLINK("http://192.0.2.1/"), said "it"`), Attempts: 1,
		Values: []pipeline.Value{{Wanted: "opt-out", Before: "-1+1", After: "-1+1"}}}
	res.Row = roster.Row{Line: 202, UPN: "+zoë@contoso.com", Cells: make([]string, 4)}
	p.Tally.Record(&res)
	b := open(t, ctx, written(t, p))

	// By mouse: the tile shows its rows alone, and all again.
	failed := p.Tally.ByStatus[pipeline.Failed]
	const tile = `[data-status="failed"] button`
	b.do(chromedp.Click(tile))
	b.until(shownText + fmt.Sprintf(` === "%d of 201 rows"`, failed))
	for _, status := range b.rows(2) {
		if status != "! failed" {
			t.Errorf("the tile shows %q", status)
		}
	}
	if got := eval[[]string](b, `[...document.querySelectorAll("[aria-pressed=true]")].map(b => b.dataset.status)`); strings.Join(got, ",") != "failed" {
		t.Errorf("pressed: %q", got)
	}
	if !eval[bool](b, `(r => r.top < innerHeight && r.bottom > 0)(document.getElementById("shown").getBoundingClientRect())`) {
		t.Error("the rows are out of sight")
	}

	// What shows is saved, as a roster, safe to open in a spreadsheet.
	b.until(`document.getElementById("save").checkVisibility()`)
	b.do(chromedp.Click("#save"))
	saved := b.file(filepath.Join(dir, "rows.csv"))
	lines := strings.Split(strings.TrimSuffix(saved, "\r\n"), "\r\n")
	if len(lines) != failed+1 || lines[0] != "\ufeffRow,UserPrincipalName,Status,Change,Error" {
		t.Errorf("saved %.500q", saved)
	}
	if want := `202,'+zoë@contoso.com,failed,"'-1+1, wanted opt-out","'=HYPERLINK(""http://192.0.2.1/""), said ""it"""`; lines[len(lines)-1] != want {
		t.Errorf("saved %s, want %s", lines[len(lines)-1], want)
	}

	// By keyboard.
	b.do(chromedp.Focus(tile), chromedp.SendKeys(tile, " "))
	b.until(shownText + ` === "201 rows"`)
	if eval[bool](b, `document.querySelector("[aria-pressed=true]") !== null`) {
		t.Error("the tile is still pressed")
	}
	b.do(chromedp.SendKeys(tile, "\r"))
	b.until(`filter.value === "failed" && document.querySelector("[aria-pressed=true]") !== null`)
	eval[bool](b, `(filter.value = "", filter.dispatchEvent(new Event("change")))`)
	b.until(`document.querySelector("[aria-pressed=true]") === null`)

	// A command is copied to the letter.
	for i, c := range p.Commands {
		b.do(chromedp.Click(fmt.Sprintf(".command:nth-of-type(%d) button", i+1)))
		b.until(fmt.Sprintf(`document.querySelectorAll(".command [role=status]")[%d].textContent === "copied"`, i))
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`navigator.clipboard.readText()`, chromedp.EvalAwaitPromise))
		if err != nil || got != c.Line {
			t.Errorf("copied %q, %v; want %q", got, err, c.Line)
		}
	}
	for _, offence := range b.noted() {
		if !strings.HasPrefix(offence, "request of blob:") { // the file that is saved
			t.Errorf("the report did %q", offence)
		}
	}
}

// downloads has what tabs of ctx save go to a directory, which it returns, and lets
// them read the clipboard.
func downloads(t *testing.T, ctx context.Context) (dir string) {
	t.Helper()
	dir = t.TempDir()
	_, err := chromedp.CallBrowser(ctx, cdp.SetDownloadBehavior, cdp.SetDownloadBehaviorParams{
		Behavior: cdp.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir})
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if err == nil {
			_, err = chromedp.CallBrowser(ctx, cdp.SetPermission, cdp.SetPermissionParams{
				Permission: &cdp.PermissionDescriptor{Name: name}, Setting: cdp.PermissionSettingGranted})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// file returns what is in a file, once it is there.
func (b *tab) file(name string) string {
	b.Helper()
	for {
		text, err := os.ReadFile(name)
		if err == nil {
			return string(text)
		}
		select {
		case <-b.ctx.Done():
			b.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// On a narrow screen all that is beside a bar is in sight, without scrolling
// sideways.
func TestNarrow(t *testing.T) {
	b := open(t, browser(t), written(t, sample(100, "apply")), chromedp.EmulateViewport(400, 800))
	const cut = `[...document.querySelectorAll(".column td, .column th, .moves td, .moves th, .facts dd, .command code")].filter(e => e.checkVisibility() &&
		(r => e.textContent.trim() && (r.width < 6 || r.height < 8 || r.left < 0 || r.right > innerWidth || e.scrollWidth > e.clientWidth + 1))(e.getBoundingClientRect())).map(e => e.textContent)`
	if got := eval[[]string](b, cut); len(got) > 0 {
		t.Errorf("out of sight: %q", got)
	}
	const sideways = `[...document.querySelectorAll(".scroll")].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth).map(e => e.getAttribute("aria-label") + " " + e.scrollWidth)`
	if got := eval[[]string](b, sideways); len(got) > 0 {
		t.Errorf("to be scrolled sideways: %q", got)
	}
	if got := eval[bool](b, `[...document.querySelectorAll(".bars svg")].some(e => e.checkVisibility() && e.getBoundingClientRect().width > 200)`); !got {
		t.Error("there are no bars")
	}
	// Numbers are below their headings.
	const right = `[...document.querySelector(".column %s").cells].slice(2).map(c => Math.round(c.getBoundingClientRect().right))`
	if heads, cells := eval[[]int](b, fmt.Sprintf(right, "thead tr")), eval[[]int](b, fmt.Sprintf(right, "tbody tr")); !slices.Equal(heads, cells) {
		t.Errorf("headings end at %v, numbers at %v", heads, cells)
	}
}

// Printed is what matters; all of it on request, and what somebody has chosen.
func TestPrint(t *testing.T) {
	ctx := browser(t)
	p := sample(400, "apply")
	b := open(t, ctx, written(t, p))
	short := b.pages()
	if short > 5 {
		t.Errorf("it prints %d pages", short)
	}
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
	printed := func() int { return len(b.rows(0)) }
	if got := printed(); got != p.Tally.Failed() {
		t.Errorf("%d rows are printed, want %d", got, p.Tally.Failed())
	}
	if got := eval[bool](b, `document.querySelector(".printed").checkVisibility()`); !got {
		t.Error("it does not say that rows are left out")
	}
	eval[bool](b, `(filter.value = "unchanged", filter.dispatchEvent(new Event("change")))`)
	if got, want := printed(), p.Tally.ByStatus[pipeline.Unchanged]; got != want {
		t.Errorf("%d rows of those chosen are printed, want %d", got, want)
	}
	p.All = true
	if b := open(t, ctx, written(t, p)); b.pages() < 3*short {
		t.Errorf("in short it prints %d pages, and all on %d", short, b.pages())
	}
}

// pages returns how many pages the tab prints.
func (b *tab) pages() int {
	b.Helper()
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		b.Fatal(err)
	}
	return len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1))
}
