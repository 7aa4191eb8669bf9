package tenant

import "strings"

// A Notice is a statement of Microsoft about a noun, or one of its properties, that a person
// should know before setting it.
type Notice struct {
	Noun     string
	Property string // "" for the noun as a whole
	Text     string
}

// notices are the known ones, as of November 2026. Certain: Microsoft's own documentation
// says so. Whether a paused mail comes back is not known.
var notices = []Notice{
	{"UserBriefingConfig", "", "Microsoft lists it as replaced by MyAnalyticsFeatureConfig, and the Briefing mail is paused: setting it has no visible effect"},
	{"MyAnalyticsFeatureConfig", "IsDigestEmailEnabled", "the Digest mail is paused, since the end of March 2024: setting it has no visible effect"},
	{"UserAnalyticsConfig", "", "Microsoft retired it in January 2021, in favour of MyAnalyticsFeatureConfig; whether Exchange Online still answers to it is not known"},
}

// Notices returns the notices about a noun, in whatever case.
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
