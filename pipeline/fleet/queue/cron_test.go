package queue

import (
	"strings"
	"testing"
	"time"
)

// A schedule is read as crontab has it, field by field, and given to the server as that
// has it.
func TestCron(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"30 2 * * *":            "0 30 2 * * *",
		"*/20 * * * *":          "0 0,20,40 * * * *",
		"0 1-5/2,8 1 jan,MAR *": "0 0 1,3,5,8 1 1,3 *",
		"0 0 * * 7":             "0 0 0 * * 0",
		"0 0 * * 5-7":           "0 0 0 * * 0,5,6",
		"5/25 0 * * mon":        "0 5,30,55 0 * * 1",
		" 0  0 13 * fri ":       "0 0 0 13 * 5",
	} {
		c, _, err := parseCron(text, "Europe/Paris")
		if err != nil || c.pattern() != want {
			t.Errorf("%q is %v, %v; want %q", text, c, err, want)
		}
	}
	for text, want := range map[string]string{
		"":              "want 5 fields, not 0",
		"0 30 2 * * *":  "want 5 fields, not 6",
		"60 2 * * *":    `minute "60": 60 is out of range, want numbers from 0 to 59`,
		"0 24 * * *":    `hour "24"`,
		"0 0 0 * *":     `day of the month "0"`,
		"0 0 * 13 *":    `month "13"`,
		"0 0 * foo *":   `"foo" is no number`,
		"0 0 * * 8":     `day of the week "8"`,
		"0 5-2 * * *":   `5-2 begins behind its end`,
		"0 */0 * * *":   `step "0"`,
		"0, 0 * * *":    `a number is missing`,
		"0 0 30 2 *":    `there is no such day`,
		"@daily":        `want 5 fields, not 1`,
		"0 1/2/3 * * *": `step "2/3"`,
		"-1 0 * * *":    `a number is missing`,
		"0 ? * * *":     `"?" is no number`,
	} {
		if _, _, err := parseCron(text, "UTC"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q", text, err, want)
		}
	}
	for _, zone := range []string{"", "Local", "Europe/Pari", "../etc/passwd"} {
		if err := ParseCron("0 0 * * *", zone); err == nil || !strings.Contains(err.Error(), "time zone") {
			t.Errorf("zone %q: %v", zone, err)
		}
	}
}

// The next time is that of the zone's clocks; a time that they skip has none.
func TestCronNext(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, test := range []struct{ cron, zone, after, want string }{
		{"30 2 * * *", "Europe/Paris", "2026-01-10T00:00:00Z", "2026-01-10T01:30:00Z"},
		{"30 2 * * *", "Europe/Paris", "2026-01-10T01:30:00Z", "2026-01-11T01:30:00Z"},
		{"30 2 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"}, // there is no 02:30 on the 29th
		{"30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"0 9 13 * fri", "UTC", "2026-11-09T00:00:00Z", "2026-11-13T09:00:00Z"},
		{"0 9 1 * mon", "UTC", "2026-11-09T10:00:00Z", "2026-11-16T09:00:00Z"}, // either
		{"59 23 31 12 *", "America/New_York", "2026-12-31T00:00:00Z", "2027-01-01T04:59:00Z"},
	} {
		c, loc, err := parseCron(test.cron, test.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.next(at(test.after), loc); !got.Equal(at(test.want)) {
			t.Errorf("%s in %s after %s is %v, want %s", test.cron, test.zone, test.after, got.UTC(), test.want)
		}
	}
}
