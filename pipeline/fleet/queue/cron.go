package queue

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A cron is a schedule as crontab has it: minute, hour, day of the month, month and day
// of the week. Of days both of which are said, one is enough.
type cron struct {
	fields [5]uint64 // bit n for the number n
	stars  [5]bool
}

// cronFields are the fields of a cron.
var cronFields = [5]struct {
	name     string
	min, max int
	words    []string // for min and on
}{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{"day of the week", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// ParseCron returns an error if a schedule can't be one: cron has the five fields of
// crontab, and zone is the name of a time zone such as Europe/Paris.
func ParseCron(cron, zone string) error {
	_, _, err := parseCron(cron, zone)
	return err
}

func parseCron(text, zone string) (*cron, *time.Location, error) {
	fields := strings.Fields(text)
	if len(fields) != len(cronFields) {
		return nil, nil, fmt.Errorf("cron %q: want 5 fields, not %d: minute, hour, day of the month, month, day of the week", text, len(fields))
	}
	c := new(cron)
	for i, field := range fields {
		if err := c.parse(i, field); err != nil {
			return nil, nil, fmt.Errorf("cron %q: %w", text, err)
		}
	}
	if zone == "" || strings.EqualFold(zone, "local") { // which is another on each machine
		return nil, nil, fmt.Errorf("time zone %q: want a name such as Europe/Paris, or UTC", zone)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, nil, fmt.Errorf("time zone %q: want a name such as Europe/Paris, or UTC", zone)
	}
	if c.next(time.Now(), loc).IsZero() {
		return nil, nil, fmt.Errorf("cron %q: there is no such day", text)
	}
	return c, loc, nil
}

// parse reads field number i.
func (c *cron) parse(i int, text string) error {
	f := cronFields[i]
	for _, item := range strings.Split(text, ",") {
		bits, err := parseRange(i, item)
		if err != nil {
			return fmt.Errorf("%s %q: %w, want numbers from %d to %d, *, ranges a-b and steps /n, with commas between them", f.name, text, err, f.min, f.max)
		}
		c.fields[i] |= bits
	}
	c.stars[i] = text == "*"
	if i == 4 && c.fields[i]&(1<<7) != 0 { // Sunday has two numbers
		c.fields[i] = c.fields[i]&^(1<<7) | 1
	}
	return nil
}

// parseRange reads an item of field number i.
func parseRange(i int, item string) (bits uint64, err error) {
	f := cronFields[i]
	span, stepText, stepped := strings.Cut(item, "/")
	from, to, step := f.min, f.max, 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, fmt.Errorf("step %q", stepText)
		}
	}
	if span != "*" {
		first, last, isRange := strings.Cut(span, "-")
		if from, err = cronNumber(i, first); err != nil {
			return 0, err
		}
		switch {
		case isRange:
			if to, err = cronNumber(i, last); err != nil {
				return 0, err
			}
		case !stepped:
			to = from
		}
	}
	if from > to {
		return 0, fmt.Errorf("%s begins behind its end", span)
	}
	for n := from; n <= to; n += step {
		bits |= 1 << n
	}
	return bits, nil
}

// cronNumber reads a number, or a word for one, of field number i.
func cronNumber(i int, text string) (int, error) {
	f := cronFields[i]
	if k := slices.Index(f.words, strings.ToLower(text)); k >= 0 {
		return f.min + k, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case text == "":
		return 0, errors.New("a number is missing")
	case err != nil:
		return 0, fmt.Errorf("%q is no number", text)
	case n < f.min || n > f.max:
		return 0, fmt.Errorf("%d is out of range", n)
	}
	return n, nil
}

// pattern returns c as the server has it: with a field for seconds ahead, and without
// what only some know.
func (c *cron) pattern() string {
	words := []string{"0"}
	for i, bits := range c.fields {
		if c.stars[i] {
			words = append(words, "*")
			continue
		}
		var numbers []string
		for n := range 64 {
			if bits&(1<<n) != 0 {
				numbers = append(numbers, strconv.Itoa(n))
			}
		}
		words = append(words, strings.Join(numbers, ","))
	}
	return strings.Join(words, " ")
}

// next returns the first time behind after, or zero if there is none within five years.
// An hour that clocks skip has none.
func (c *cron) next(after time.Time, loc *time.Location) time.Time {
	first := after.In(loc)
	has := func(i, n int) bool { return c.fields[i]&(1<<n) != 0 }
	for d := range 5 * 366 {
		noon := time.Date(first.Year(), first.Month(), first.Day()+d, 12, 0, 0, 0, loc)
		ofMonth, ofWeek := has(2, noon.Day()), has(4, int(noon.Weekday()))
		day := ofMonth && ofWeek
		if !c.stars[2] && !c.stars[4] {
			day = ofMonth || ofWeek
		}
		if !day || !has(3, int(noon.Month())) {
			continue
		}
		for h := range 24 {
			for m := range 60 {
				if !has(1, h) || !has(0, m) {
					continue
				}
				t := time.Date(noon.Year(), noon.Month(), noon.Day(), h, m, 0, 0, loc)
				if earlier := t.Add(-time.Hour); earlier.Hour() == h && earlier.Day() == t.Day() { // clocks show it twice
					t = earlier
				}
				if t.After(after) && t.Hour() == h && t.Minute() == m {
					return t
				}
			}
		}
	}
	return time.Time{}
}
