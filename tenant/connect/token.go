package connect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/entra"
	"rollcall/tenant/insights"
	"rollcall/tenant/powershell"
)

// exchangeApp is the ID of Exchange Online, which may stand for its hosts as the
// audience of a token. Certain: Microsoft's page on app-only sign-in.
const exchangeApp = "00000002-0000-0ff1-ce00-000000000000"

// weve are the audiences of the service of Viva Insights itself. Likely:
// that it accepts them; public lists of its application have them.
var weve = []string{"https://substrate.office.com/weve", "https://outlook.office365.com/weve", "https://outlook.office365.com/wevengine",
	"3c896ded-22c5-450f-91f6-3d1ef0848f6e"}

// audiences are other services, by the audience of their tokens.
// Certain: Microsoft's documentation of each.
var audiences = map[string]string{
	"https://graph.microsoft.com":                  "Microsoft Graph",
	"00000003-0000-0000-c000-000000000000":         "Microsoft Graph",
	"https://graph.windows.net":                    "Azure AD Graph",
	"00000002-0000-0000-c000-000000000000":         "Azure AD Graph",
	"https://management.azure.com":                 "Azure",
	"https://management.core.windows.net":          "Azure",
	"https://ps.compliance.protection.outlook.com": "Security & Compliance",
	"https://substrate.office.com/weve":            "Viva Insights",
	"https://outlook.office365.com/wevengine":      "Viva Insights",
	"api://azureadtokenexchange":                   "an exchange for another token",
}

// manageAsApp is the permission that an application needs for InvokeCommand. otherAppRoles
// are permissions that are often confused with it. Likely: that a caller with one of these
// is refused with a 403 without a body.
const manageAsApp = "Exchange.ManageAsApp"

var otherAppRoles = []string{"Exchange.ManageAsAppV2", "Exchange.AdminAPI.ManageAsApp"}

// tokenStep checks the claims of a token: its audience, and the permissions of an application.
// A token without these claims passes: the service decides.
func (c *connector) tokenStep(token func(context.Context) (string, error)) Step {
	return Step{
		Name:      "token",
		Overruled: true,
		Check: func(ctx context.Context) (string, error) {
			t, err := token(ctx)
			if err != nil {
				return "", err
			}
			return c.checkToken(t)
		},
	}
}

// checkToken returns a description of a token, or an [*Advised] error.
func (c *connector) checkToken(token string) (string, error) {
	caller := tenant.CallerOf(token)
	cloud, _ := entra.LookupCloud(c.Cloud)
	if wrong := c.wrongAudience(caller.Audiences, cloud); wrong != "" {
		return "", &Advised{
			Err: fmt.Errorf("the token is for %s, and not for Exchange Online (%s)", wrong, cloud.Endpoint),
			Fix: fmt.Sprintf("get one for the scope %s/.default", cloud.Endpoint),
		}
	}
	found := "it does not say for which service it is"
	if len(caller.Audiences) > 0 {
		found = "it is for " + strings.Join(caller.Audiences, ", ")
	}
	if insights.Serves(c.Noun) {
		return found, nil // which decides by roles in Entra ID
	}
	if slices.Contains(caller.Roles, manageAsApp) {
		return found + ", with " + manageAsApp, nil
	}
	for _, other := range otherAppRoles {
		if slices.Contains(caller.Roles, other) {
			return "", &Advised{
				Err: fmt.Errorf("the application has the permission %s, which is another one than %s: likely every call is refused, with HTTP 403", other, manageAsApp),
				Fix: fmt.Sprintf("give it the API permission %s of Office 365 Exchange Online, with admin consent, and get a new token", manageAsApp),
			}
		}
	}
	if slices.Contains(caller.Scopes, "Exchange.ManageV2") && !slices.Contains(caller.Scopes, "Exchange.Manage") {
		return "", &Advised{
			Err: fmt.Errorf("the token has the scope Exchange.ManageV2, which is another one than Exchange.Manage: likely every call is refused, with HTTP 403"),
			Fix: "ask for the scope Exchange.Manage of Office 365 Exchange Online",
		}
	}
	return found, nil
}

// wrongAudience returns the service that a token with these audiences is for, if it is not the
// noun's service; otherwise "".
func (c *connector) wrongAudience(of []string, cloud entra.Cloud) string {
	var wrong []string
	for _, a := range of {
		name := strings.ToLower(strings.TrimRight(a, "/"))
		switch {
		case name == exchangeApp, name == "https://outlook.office.com", name == cloud.Endpoint, name == cloud.Module, name == strings.ToLower(c.BaseURL()):
			return ""
		case insights.Serves(c.Noun) && slices.Contains(weve, name):
			return ""
		}
		if known := audiences[name]; known != "" {
			a = fmt.Sprintf("%s (%s)", known, a)
		}
		wrong = append(wrong, a)
	}
	return strings.Join(wrong, " and ")
}

// blameToken returns err, the module's error of a sign-in. If the token that the module was
// given is wrong, it puts that before err.
func (c *connector) blameToken(ctx context.Context, signIn powershell.SignIn, err error) error {
	if signIn.Method != powershell.AccessToken {
		return err
	}
	token, _, terr := signIn.Token(ctx, "")
	if terr != nil {
		return err
	}
	_, wrong := c.checkToken(token)
	if advised, ok := errors.AsType[*Advised](wrong); ok {
		return &Advised{Err: fmt.Errorf("%w: %w", advised.Err, err), Fix: advised.Fix}
	}
	return err
}
