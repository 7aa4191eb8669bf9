package tenant

// settings are the nouns with rules of their own.
//
// Parameters and properties are those of Microsoft's cmdlet reference
// (MicrosoftDocs/office-docs-powershell). What is not there is marked.
var settings = []*Setting{
	{
		// The values are written opt-in and opt-out in the reference, Opt-in
		// and Opt-In elsewhere; PowerShell takes them all.
		Noun: "MyAnalyticsFeatureConfig",
		properties: []property{
			{name: "PrivacyMode", param: "PrivacyMode", choices: []string{"opt-in", "opt-out"},
				// An opt-in makes all features available.
				resets: true,
				// Users who were Excluded were made Opt-out when it was retired.
				retired: []string{"Excluded"}, instead: "opt-out"},
			{name: "IsDashboardEnabled", param: "IsEnabled", with: feature("dashboard")},
			{name: "IsAddInEnabled", param: "IsEnabled", with: feature("add-in")},
			{name: "IsDigestEmailEnabled", param: "IsEnabled", with: feature("digest-email")},
		},
	},
	{
		// Retired in January 2021.
		Noun: "UserAnalyticsConfig",
		properties: []property{
			{name: "PrivacyMode", param: "PrivacyMode", choices: []string{"opt-in", "opt-out", "excluded"}},
		},
	},
	{
		Noun: "VivaInsightsSettings",
		properties: []property{
			{name: "IsInsightsHeadspaceEnabled", param: "Enabled", with: feature("headspace")},
		},
	},
	{
		// The reference does not say what Get writes. Certain, for the module
		// was seen to: IsEnabled, where Set takes Enabled.
		Noun:       "UserBriefingConfig",
		properties: []property{{name: "IsEnabled", aliases: []string{"Enabled"}, param: "Enabled"}},
	},
}

// feature returns what Set needs to know which feature a value is for.
func feature(name string) []Parameter { return []Parameter{{"Feature", name}} }
