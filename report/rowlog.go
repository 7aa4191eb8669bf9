package report

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rollcall/pipeline"
)

// WithoutRows returns a logger like log that drops the entries about single rows that
// failed, for a terminal: the progress line counts them, and [Failures] list them.
func WithoutRows(log *zap.Logger) *zap.Logger {
	return log.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return noRows{c} }))
}

// noRows is a Core that drops [pipeline.RowFailed].
type noRows struct{ zapcore.Core }

func (c noRows) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message == pipeline.RowFailed {
		return ce
	}
	return c.Core.Check(e, ce)
}

func (c noRows) With(fields []zapcore.Field) zapcore.Core { return noRows{c.Core.With(fields)} }
