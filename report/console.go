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

// A Console is the only writer to standard error. It writes messages as whole lines,
// above the progress line if there is one. It is safe for use by several goroutines at
// once.
type Console struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	kept  []message   // messages of a quiet console
	json  *zap.Logger // logs messages too, if everything is JSON; or nil
	line  *progressLine
}

// NewConsole returns a Console that writes to w.
func NewConsole(w io.Writer) *Console {
	return &Console{w: w}
}

// Say writes a message after the name of the program, or as a line of the log if that is
// JSON. A quiet Console keeps it until Break.
func (c *Console) Say(format string, args ...any) { c.add(zapcore.InfoLevel, format, args...) }

// Warn is like Say, for a warning.
func (c *Console) Warn(format string, args ...any) { c.add(zapcore.WarnLevel, format, args...) }

// Fail is like Say, for the error that ends the run.
func (c *Console) Fail(format string, args ...any) { c.add(zapcore.ErrorLevel, format, args...) }

// A message is a text with its level in a log.
type message struct {
	level zapcore.Level
	text  string
}

// add writes a message or, if c is quiet, keeps it.
func (c *Console) add(level zapcore.Level, format string, args ...any) {
	m := message{level, shownLines(fmt.Sprintf(format, args...))}
	c.mu.Lock()
	quiet := c.quiet
	if quiet {
		c.kept = append(c.kept, m)
	}
	c.mu.Unlock()
	if !quiet {
		c.writeMessage(m)
	}
}

func (c *Console) writeMessage(m message) {
	if c.json != nil {
		c.json.Log(m.level, m.text)
		return
	}
	fmt.Fprintf(c, "rollcall: %s\n", strings.ReplaceAll(m.text, "\n", "\nrollcall: "))
}

// Quiet makes c keep messages until Break.
func (c *Console) Quiet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = true
}

// IsQuiet reports whether c keeps messages.
func (c *Console) IsQuiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiet
}

// Break ends Quiet: c writes the messages that it kept, and later ones at once.
func (c *Console) Break() {
	c.mu.Lock()
	kept := c.kept
	c.quiet, c.kept = false, nil
	c.mu.Unlock()
	for _, m := range kept {
		c.writeMessage(m)
	}
}

// Remind is like Say, and writes the message even if c is quiet.
func (c *Console) Remind(format string, args ...any) {
	c.writeMessage(message{zapcore.InfoLevel, shownLines(fmt.Sprintf(format, args...))})
}

// Write writes whole lines of a log, for [Console.Log]. Characters that would change the
// text around them are escaped.
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

// Beside returns a writer to w that erases the progress line first, for a w on the same
// terminal.
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

// Log returns a logger that writes entries of the given level and above to c. As JSON,
// each entry is an object on one line, and so is every message of c. Call Log before
// another goroutine uses c.
func (c *Console) Log(level zapcore.Level, json bool) *zap.Logger {
	cfg := encoding()
	if !json {
		return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(cfg), c, level))
	}
	enc := zapcore.NewJSONEncoder(cfg)
	c.json = zap.New(zapcore.NewCore(enc, c, zapcore.InfoLevel))
	return zap.New(zapcore.NewCore(enc, c, level))
}

// encoding returns the form of a log entry.
func encoding() zapcore.EncoderConfig {
	cfg := zap.NewProductionEncoderConfig()
	cfg.TimeKey = "time"
	cfg.EncodeTime = zapcore.RFC3339TimeEncoder
	cfg.EncodeDuration = zapcore.StringDurationEncoder
	return cfg
}

// LogProgress logs the progress of the run over total rows once in every interval, until
// stop is called.
func LogProgress(log *zap.Logger, interval time.Duration, total int, run *pipeline.Run) (stop func()) {
	var last int64
	return Every(interval, func() {
		rows := run.Stats.Rows.Load()
		perSecond := float64(rows-last) / interval.Seconds()
		last = rows
		LogState(log, total, run, perSecond)
	}, func() {})
}

// LogState logs the progress of the run over total rows. PerSecond is its speed of late,
// in rows.
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

// Every starts a goroutine that calls f once in each interval until stop is called, and
// then calls end. The goroutine has returned when stop returns.
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
