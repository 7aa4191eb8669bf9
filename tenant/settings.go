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
				// Microsoft's module sets all three features with it: on for an
				// opt-in, off for an opt-out (seen in what it sends).
				moves: map[string][]Want{"opt-in": features(true), "opt-out": features(false)},
				// Users who were Excluded were made Opt-out when it was retired.
				retired: []string{"Excluded"}, replacement: "opt-out"},
			{name: "IsDashboardEnabled", param: "IsEnabled", extra: feature("dashboard")},
			{name: "IsAddInEnabled", param: "IsEnabled", extra: feature("add-in")},
			{name: "IsDigestEmailEnabled", param: "IsEnabled", extra: feature("digest-email")},
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
			{name: "IsInsightsHeadspaceEnabled", param: "Enabled", extra: feature("headspace")},
		},
	},
	{
		// The reference does not say what Get writes. Certain, for the module
		// was seen to: IsEnabled, where Set takes Enabled.
		Noun:       "UserBriefingConfig",
		properties: []property{{name: "IsEnabled", aliases: []string{"Enabled"}, param: "Enabled"}},
	},
}

// features returns the features of MyAnalytics, all on or all off.
func features(on bool) []Want {
	return []Want{{"IsDashboardEnabled", on}, {"IsAddInEnabled", on}, {"IsDigestEmailEnabled", on}}
}

// feature returns what Set needs to know which feature a value is for.
func feature(name string) []Parameter { return []Parameter{{"Feature", name}} }
