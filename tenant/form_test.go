package tenant

import "testing"

// What was set is recognised in the form in which it reads back, and nothing else
// is taken for it.
func TestForms(t *testing.T) {
	const size = "25 MB (26,214,400 bytes)"
	for _, test := range []struct {
		shown, text string
		want        bool
	}{
		{size, "25MB", true}, {size, "25 mb", true}, {size, "26214400", true}, {size, "25600KB", true}, {size, size, true},
		{"49 GB (52,613,349,376 bytes)", "51380224KB", true}, {"1.5 GB (1,610,612,736 bytes)", "1.5GB", true},
		{size, "26MB", false}, {size, "25", false}, {size, "MB", false}, {size, "Unlimited", false}, {size, "", false}, {size, "NaNMB", false},
		{size, "-25MB", false}, {size, "9999999999TB", false}, {size, "1e300TB", false}, {"25MB", "25 MB", false}, {"x (y bytes)", "x", false},

		{"365.00:00:00", "365", true}, {"00:15:00", "0:15", true}, {"1.02:03:04", "1.2:3:4", true}, {"-00:15:00", "-0:15:00", true},
		{"00:00:00.5000000", "0:0:0.5", true}, {"365.00:00:00", "364.24:00:00", false}, {"365.00:00:00", "365.0", false}, {"365.00:00:00", "36", false},
		{"08:00:00", "8", false}, {"08:00:00", "08:00", true}, {"08:00:00", "08:60", false}, {"365", "365.00:00:00", false}, {"00:00:00", "", false},

		{"smtp:ada@contoso.com", "ada@contoso.com", true}, {"SMTP:Ada@contoso.com", "ada@contoso.com", true}, {"ada@contoso.com", "smtp:ada@contoso.com", true},
		{"smtp:ada@contoso.com", "bob@contoso.com", false}, {"sip:ada@contoso.com", "ada@contoso.com", false}, {"smtp:", "", false}, {"smtp:x", "x", false},

		{"7/10/2026 08:00:00", "2026-07-10T08:00:00", true}, {"7/10/2026 8:00:00 AM", "2026-07-10 08:00", true}, {"2026-07-10T08:00:00Z", "2026-07-10T10:00:00+02:00", true},
		{"2026-07-10T00:00:00.0000000", "7/10/2026", true}, {"7/10/2026 08:00:00", "2026-10-07T08:00:00", false}, {"7/10/2026 08:00:00", "10.07.2026 08:00", false},
		{"12/31/2026", "2026-12-31", true}, {"opt-in", "opt-out", false}, {"2026-07-10", "", false},
	} {
		if got := Compare(test.shown, test.text) == Same; got != test.want {
			t.Errorf("%q and %q: the same: %t, want %t", test.shown, test.text, got, test.want)
		}
	}
}
