package pipeline

import (
	"errors"
)

// Tee returns a Recorder, and JournalRecorder, that passes everything on to each of recorders.
func Tee(recorders ...Recorder) Recorder { return tee(recorders) }

type tee []Recorder

func (t tee) Record(r *Result) error {
	for _, rec := range t {
		if err := rec.Record(r); err != nil {
			return err
		}
	}
	return nil
}

// Journalled tells those that want to know.
func (t tee) Journalled(r *Result) {
	for _, rec := range t {
		if rec, ok := rec.(JournalRecorder); ok {
			rec.Journalled(r)
		}
	}
}

// Flush flushes all of them, those behind one that fails too.
func (t tee) Flush() error {
	var errs []error
	for _, rec := range t {
		errs = append(errs, rec.Flush())
	}
	return errors.Join(errs...)
}
