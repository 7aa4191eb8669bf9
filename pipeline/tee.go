package pipeline

import (
	"errors"
)

// Tee returns a Recorder, also a JournalRecorder, that passes everything to each of
// recorders.
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

// Journalled passes r to those of the recorders that are JournalRecorders.
func (t tee) Journalled(r *Result) {
	for _, rec := range t {
		if rec, ok := rec.(JournalRecorder); ok {
			rec.Journalled(r)
		}
	}
}

// Flush flushes all recorders, even if some fail.
func (t tee) Flush() error {
	var errs []error
	for _, rec := range t {
		errs = append(errs, rec.Flush())
	}
	return errors.Join(errs...)
}
