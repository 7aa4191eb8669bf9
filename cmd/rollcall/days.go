package main

import (
	"fmt"
	"strings"
	"time"
)

// days is a time that may be written in days.
type days time.Duration

func (d *days) String() string {
	if n := time.Duration(*d); n > 0 && n%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", n/(24*time.Hour))
	}
	return time.Duration(*d).String()
}

func (d *days) Set(text string) error {
	n, err := time.ParseDuration(text)
	if number, ok := strings.CutSuffix(text, "d"); ok {
		n, err = time.ParseDuration(number + "h")
		n *= 24
	}
	*d = days(n)
	return err
}

// Type returns the name of the type, for [wantedOf].
func (d *days) Type() string { return "days" }
