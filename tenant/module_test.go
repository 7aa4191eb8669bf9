package tenant

import "testing"

// What the module does by itself is told from what the service does, however
// it is spelled.
func TestInModule(t *testing.T) {
	for noun, want := range map[string]bool{
		"MyAnalyticsFeatureConfig":              true,
		"myanalyticsfeatureconfig":              true,
		"VIVAINSIGHTSSETTINGS":                  true,
		"UserBriefingConfig":                    true,
		"DefaultTenantBriefingConfig":           true,
		"DefaultTenantMyAnalyticsFeatureConfig": true,
		"VivaModuleFeature":                     true,
		"vivaModuleFeaturePolicy":               true,
		"UserAnalyticsConfig":                   false,
		"CASMailbox":                            false,
		"Mailbox":                               false,
		"Viva":                                  false,
		"":                                      false,
	} {
		if got := InModule(noun); got != want {
			t.Errorf("InModule(%q) = %t", noun, got)
		}
	}
	for _, s := range settings {
		if got, want := InModule(s.Noun), s.Noun != "UserAnalyticsConfig"; got != want {
			t.Errorf("InModule(%q) = %t", s.Noun, got)
		}
	}
}
