package tenant

import "strings"

// A Notice is what Microsoft has said of a noun, or of one of its properties, that
// who sets it should know.
type Notice struct {
	Noun     string
	Property string // "" for the noun as a whole
	Text     string
}

// notices are all that are known, as of November 2026. Certain: Microsoft's own
// documentation says so. Whether what is paused comes back is not known.
var notices = []Notice{
	{"UserBriefingConfig", "", "Microsoft lists it as replaced by MyAnalyticsFeatureConfig, and the Briefing mail is paused: to set it has no visible effect"},
	{"MyAnalyticsFeatureConfig", "IsDigestEmailEnabled", "the Digest mail is paused, since the end of March 2024: to set it has no visible effect"},
	{"UserAnalyticsConfig", "", "Microsoft retired it in January 2021, in favour of MyAnalyticsFeatureConfig; whether Exchange Online still answers to it is not known"},
}

// Notices returns what there is to know of a noun, in whatever case.
func Notices(noun string) []Notice {
	var all []Notice
	for _, n := range notices {
		if strings.EqualFold(n.Noun, noun) {
			all = append(all, n)
		}
	}
	return all
}

func (n Notice) String() string {
	if n.Property != "" {
		return n.Property + " of " + n.Noun + ": " + n.Text
	}
	return n.Noun + ": " + n.Text
}
