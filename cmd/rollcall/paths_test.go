package main

import "testing"

// A name that no file can be meant by is refused, and every other one is not.
func TestWrongPath(t *testing.T) {
	for _, test := range []struct {
		name, system string
		wrong        bool
	}{
		{"C:\temp\new.pfx", "windows", true},
		{"C:\temp\new.pfx", "linux", true},
		{`C:\temp\new.pfx`, "windows", false},
		{`\\?\C:\temp\new.pfx`, "windows", false},
		{`\\server\share\r.csv`, "windows", false},
		{`r.csv`, "windows", false},
		{`C:r.csv`, "windows", false},
		{`-`, "windows", false},
		{``, "windows", false},
		{`res:1.csv`, "windows", true},
		{`C:\res:1.csv`, "windows", true},
		{`r.csv:`, "windows", true},
		{`res:1.csv`, "linux", false},
	} {
		if why := wrongPath(test.name, test.system); (why != "") != test.wrong {
			t.Errorf("%q on %s: %q", test.name, test.system, why)
		}
	}
}
