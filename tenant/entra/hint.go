package entra

import "regexp"

// hints say what to do about errors of Entra ID, by their codes. Likely: Microsoft says that
// its AADSTS codes may change, so a hint is added to the text that Entra ID sent, and never
// replaces it.
var hints = map[string]string{
	"16000":   "this account is not one of the tenant that is named as the organization",
	"50020":   "this account is not one of the tenant that is named as the organization",
	"50034":   "there is no such account in this tenant: check the account",
	"50055":   "the password of this account has expired",
	"50057":   "this account is disabled",
	"50058":   "nobody was signed in: sign in again",
	"50076":   "conditional access wants another proof: sign in by interactive or device-code",
	"50079":   "the account has yet to be set up for multi-factor authentication",
	"50105":   "assign the person to the application, in Enterprise applications",
	"50126":   "the account or its password is wrong",
	"53000":   "conditional access wants a device that is compliant",
	"53003":   "conditional access does not let this sign-in pass: its sign-in log, in Entra ID, has the policy",
	"65001":   "nobody has consented to the application's permissions: grant admin consent, under API permissions",
	"65004":   "consent was declined: grant admin consent, under API permissions",
	"90002":   "there is no such tenant in this cloud: check the organization and the cloud",
	"90072":   "this account is not one of the tenant that is named as the organization",
	"500011":  "Exchange Online is not known to this tenant: has it a licence, and is the cloud right?",
	"500113":  "give the application a redirect URI http://localhost, of the type for mobile and desktop applications",
	"700016":  "there is no application of this ID in this tenant: check the client ID and the organization",
	"700025":  "the application is a public client: it takes no secret and no certificate",
	"700027":  "the certificate is not one of the application's: upload it, under Certificates & secrets",
	"700082":  "the sign-in has expired: sign in again",
	"700213":  "no federated credential of the application matches the federated token: check its subject and issuer",
	"7000112": "the application is disabled, in Enterprise applications",
	"7000215": "the secret is not one of the application's: its value is wanted, not its ID",
	"7000218": "allow public client flows, under Authentication of the application, or sign in without a client ID",
	"7000222": "the secret of the application has expired: make another, under Certificates & secrets",
}

var code = regexp.MustCompile(`AADSTS(\d+)`)

// Hint returns what to do about an error whose text has a code of Entra ID's, or
// "" if there is nothing to say.
func Hint(text string) string {
	if m := code.FindStringSubmatch(text); m != nil {
		return hints[m[1]]
	}
	return ""
}
