package tenant

import "strings"

// inModule are nouns whose cmdlets are compiled into Microsoft's module for
// Exchange Online.
//
// Certain: the module's manifest exports them by name, beside those that it
// gets from the service when it connects, and they make calls to a service of
// their own: package insights speaks to it for the first three. Likely: Exchange's
// InvokeCommand does not know them; nobody has shown that it does.
var inModule = []string{
	"MyAnalyticsFeatureConfig",
	"VivaInsightsSettings",
	"UserBriefingConfig",
	"DefaultTenantMyAnalyticsFeatureConfig",
	"DefaultTenantBriefingConfig",
}

// vivaModule is the beginning of the other nouns that the module has, such as
// VivaModuleFeaturePolicy.
const vivaModule = "VivaModuleFeature"

// InModule reports whether the cmdlets of noun, in whatever case, are compiled into
// Microsoft's module, so that InvokeCommand does not have them. InvokeCommand had
// those of the retired UserAnalyticsConfig.
func InModule(noun string) bool {
	for _, n := range inModule {
		if strings.EqualFold(n, noun) {
			return true
		}
	}
	return len(noun) >= len(vivaModule) && strings.EqualFold(noun[:len(vivaModule)], vivaModule)
}
