package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rollcall/pipeline"
)

// A Console is the one way to standard error. What it is told stands on lines of
// its own, above the progress line if there is one. It is safe for use by
// several goroutines at once.
type Console struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	kept  []message   // what a quiet console was told
	json  *zap.Logger // takes messages too, if everything is to be JSON
	line  *progressLine
}

// NewConsole returns a Console that writes to w.
func NewConsole(w io.Writer) *Console {
	return &Console{w: w}
}

// Say says something, on a line that names the program, or as a line of the log
// if that is JSON.
func (c *Console) Say(format string, args ...any) { c.tell(zapcore.InfoLevel, format, args...) }

// Warn is Say for what should be looked at.
func (c *Console) Warn(format string, args ...any) { c.tell(zapcore.WarnLevel, format, args...) }

// Fail is Say for what ends the run.
func (c *Console) Fail(format string, args ...any) { c.tell(zapcore.ErrorLevel, format, args...) }

// A message is what a Console is told.
type message struct {
	level zapcore.Level
	text  string
}

func (c *Console) tell(level zapcore.Level, format string, args ...any) {
	m := message{level, shownLines(fmt.Sprintf(format, args...))}
	c.mu.Lock()
	quiet := c.quiet
	if quiet {
		c.kept = append(c.kept, m)
	}
	c.mu.Unlock()
	if !quiet {
		c.say(m)
	}
}

func (c *Console) say(m message) {
	if c.json != nil {
		c.json.Log(m.level, m.text)
		return
	}
	fmt.Fprintf(c, "rollcall: %s\n", strings.ReplaceAll(m.text, "\n", "\nrollcall: "))
}

// Quiet makes c keep what it is told, until Break.
func (c *Console) Quiet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = true
}

// IsQuiet reports whether c keeps what it is told.
func (c *Console) IsQuiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiet
}

// Break ends the silence: what was kept is said, and what comes is said at once.
func (c *Console) Break() {
	c.mu.Lock()
	kept := c.kept
	c.quiet, c.kept = false, nil
	c.mu.Unlock()
	for _, m := range kept {
		c.say(m)
	}
}

// Remind says something in spite of [Console.Quiet].
func (c *Console) Remind(format string, args ...any) {
	c.say(message{zapcore.InfoLevel, shownLines(fmt.Sprintf(format, args...))})
}

// Write takes whole lines, of a log. It is there for [Console.Log]. What would do
// something to the text around it is written as its number.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.write(escapeLog(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Sync does nothing: there is no buffer.
func (c *Console) Sync() error { return nil }

func (c *Console) write(p []byte) (int, error) {
	c.erase()
	return c.w.Write(p)
}

// Beside returns a writer to w that keeps clear of the progress line, for when
// both are on one terminal.
func (c *Console) Beside(w io.Writer) io.Writer { return beside{c, w} }

type beside struct {
	c *Console
	w io.Writer
}

func (b beside) Write(p []byte) (int, error) {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	b.c.erase()
	return b.w.Write(p)
}

// Log returns a logger that writes to c what is at least of the given level. As
// JSON it is an object a line, and so is then whatever else c is told. Log is to
// be called ahead of the first use of c by another goroutine.
func (c *Console) Log(level zapcore.Level, json bool) *zap.Logger {
	cfg := encoding()
	if !json {
		return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(cfg), c, level))
	}
	enc := zapcore.NewJSONEncoder(cfg)
	c.json = zap.New(zapcore.NewCore(enc, c, zapcore.InfoLevel))
	return zap.New(zapcore.NewCore(enc, c, level))
}

// encoding says how lines of a log are written.
func encoding() zapcore.EncoderConfig {
	cfg := zap.NewProductionEncoderConfig()
	cfg.TimeKey = "time"
	cfg.EncodeTime = zapcore.RFC3339TimeEncoder
	cfg.EncodeDuration = zapcore.StringDurationEncoder
	return cfg
}

// LogProgress logs how far the run has come, once every interval, until stop is
// called.
func LogProgress(log *zap.Logger, interval time.Duration, total int, run *pipeline.Run) (stop func()) {
	var last int64
	return Every(interval, func() {
		rows := run.Stats.Rows.Load()
		perSecond := float64(rows-last) / interval.Seconds()
		last = rows
		LogState(log, total, run, perSecond)
	}, func() {})
}

// LogState logs how far the run over total rows has come, at so many rows a
// second of late.
func LogState(log *zap.Logger, total int, run *pipeline.Run, perSecond float64) {
	rows := run.Stats.Rows.Load()
	fields := []zap.Field{
		zap.Int64("rows", rows),
		zap.Int("of", total),
		zap.Float64("rows_per_second", math.Round(10*perSecond)/10),
		zap.Int64("calls", run.Stats.Calls.Load()),
		zap.Int64("retries", run.Stats.Retries.Load()),
		zap.Float64("throttled_seconds", run.Limiter.Throttled().Round(time.Millisecond).Seconds()),
	}
	since, outage := run.Outage()
	if outage > 0 {
		fields = append(fields, zap.Float64("outage_seconds", outage.Round(time.Millisecond).Seconds()))
	}
	if !since.IsZero() {
		fields = append(fields, zap.Time("outage_since", since))
	}
	pace, atOnce := run.Limiter.Pace()
	if pace > 0 {
		fields = append(fields, zap.Float64("pace", math.Round(10*pace)/10))
	}
	if atOnce > 0 {
		fields = append(fields, zap.Int("in_flight_limit", atOnce))
	}
	if perSecond > 0 {
		left := time.Duration(float64(int64(total)-rows) / perSecond * float64(time.Second))
		fields = append(fields, zap.Duration("left", left.Round(time.Second)))
	}
	for s := range run.Stats.ByStatus {
		if n := run.Stats.ByStatus[s].Load(); n > 0 {
			fields = append(fields, zap.Int64(pipeline.Status(s).String(), n))
		}
	}
	log.Info("progress", fields...)
}

// Every calls f once in each interval, from a goroutine of its own that ends
// when stop is called, with a call of end.
func Every(interval time.Duration, f, end func()) (stop func()) {
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer end()
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-gone }
}
