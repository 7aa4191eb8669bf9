// Package errorcases has errors of Exchange Online and their classes, for the
// tests of all packages that meet them: one error has one class, whichever way
// it came.
package errorcases

import "rollcall/tenant"

// A Case is an error of a cmdlet.
type Case struct {
	Status    int    // HTTP status
	Exception string // the class of the exception that the cmdlet ended in, or ""
	Text      string
	Wait      string // Retry-After, or ""
	Class     tenant.Class
	Hint      bool // its text ends in what a person can do
}

const (
	notFound   = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
	inTenant   = "Microsoft.Exchange.Configuration.Tasks.InvalidOperationInTenantException"
	invalid    = "Microsoft.Exchange.Data.DataValidationException"
	noWrite    = "Microsoft.Exchange.Configuration.Tasks.UnableToWriteToAadException"
	busy       = "Microsoft.Exchange.Data.Storage.ServerBusyException"
	overBudget = "Microsoft.Exchange.Data.Directory.OverBudgetException"
	transient  = "Microsoft.Exchange.Data.Storage.StorageTransientException"

	wrapped = "An Azure Active Directory call was made to keep object in sync between Azure Active Directory and Exchange Online. However, it failed. Detailed error message: " +
		"Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration. " +
		"The issue may be transient and please retry a couple of minutes later."
	synced = "The operation on mailbox 'ada' failed because it's out of the current user's write scope. The action 'Set-Mailbox', 'EmailAddresses', can't be performed on the object 'ada' " +
		"because the object is being synchronized from your on-premises organization."
	atOnce = "You have reached the maximum number of concurrent requests per tenant. Please wait and try again"
)

// All are the cases.
var All = []Case{
	{500, inTenant, "no good", "", tenant.Failed, false},
	{400, inTenant, "no good", "", tenant.Failed, false},
	{500, invalid, "no good", "", tenant.Failed, false},
	{400, invalid, "no good", "", tenant.Failed, false},
	{400, invalid, "no good", "5", tenant.Failed, false},
	{400, "", "no good", "", tenant.Failed, false},
	{409, "", "no good", "", tenant.Failed, false},
	{500, "", "oops", "", tenant.Unavailable, false},
	{502, "", "oops", "", tenant.Unavailable, false},
	{502, invalid, "oops", "", tenant.Unavailable, false},
	{503, "", "oops", "", tenant.Unavailable, false},
	{504, inTenant, "oops", "5", tenant.Unavailable, false},
	{408, "", "oops", "", tenant.Unavailable, false},

	{503, "", "oops", "5", tenant.Throttled, false},
	{429, "", "oops", "", tenant.Throttled, false},
	{429, inTenant, "oops", "5", tenant.Throttled, false},
	{400, "", "Too Many Requests", "", tenant.Throttled, false},
	{500, "", "HttpStatusCode=TooManyRequests", "", tenant.Throttled, false},
	{400, "", atOnce, "", tenant.Throttled, false},
	{401, "", atOnce, "", tenant.Throttled, false},
	{403, "", atOnce, "", tenant.Throttled, false},
	{404, "", atOnce, "", tenant.Throttled, false},
	{500, invalid, atOnce, "", tenant.Throttled, false},

	{400, notFound, "no ada", "", tenant.NotFound, false},
	{403, notFound, "no ada", "", tenant.NotFound, false},
	{404, notFound, "no ada", "", tenant.NotFound, false},
	{500, notFound, "no ada", "", tenant.NotFound, false},
	{503, notFound, "no ada", "", tenant.NotFound, false},
	{404, "", "no", "", tenant.NotFound, false},
	{400, "", "threw ManagementObjectNotFoundException", "", tenant.NotFound, false},
	{400, "", "object 'ada' couldn't be found on 'dc'", "", tenant.NotFound, false},
	{500, "", "object 'ada' couldn't be found on 'dc'", "", tenant.NotFound, false},
	{502, "", "the server could not be found", "", tenant.Unavailable, false},

	{403, "", "no", "", tenant.Denied, false},
	{403, transient, "no", "", tenant.Denied, false},
	{400, "", "Access to the requested resource is forbidden.", "", tenant.Denied, false},
	{500, "", "Access to the requested resource is forbidden.", "", tenant.Denied, false},

	{400, busy, "busy", "", tenant.Unavailable, false},
	{500, transient, "busy", "", tenant.Unavailable, false},
	{400, "", "busy: BackendCommunicationException", "", tenant.Unavailable, false},
	{400, noWrite, "The issue may be transient and please retry a couple of minutes later.", "", tenant.Failed, false},

	{400, notFound, "object 'ada' couldn't be read from domain controller 'dc'. This may be due to replication delays", "", tenant.Unavailable, false},
	{400, "", "The server is too busy", "", tenant.Unavailable, false},
	{400, "", "The server cannot service this request right now. Try again later.", "", tenant.Unavailable, false},
	{500, inTenant, "The operation has timed out.", "", tenant.Unavailable, false},
	{400, "", "Unable to read data from the transport connection: reset", "", tenant.Unavailable, false},
	{400, "", "The remote server returned an error: (503) Service Unavailable", "", tenant.Unavailable, false},
	{400, "", "The remote server returned an error: (503) Server Unavailable.", "", tenant.Unavailable, false},
	{400, inTenant, "Response status code does not indicate success: 520.", "", tenant.Unavailable, false},
	{400, "", "The remote server returned an error: (429) Slow down.", "", tenant.Throttled, false},
	{400, invalid, "503@contoso.com has a quota of 503 (MB)", "", tenant.Failed, false},
	{400, overBudget, "You have exceeded your budget. Suggested backoff time 4812 ms.", "", tenant.Throttled, false},
	{500, "", "Request is throttled", "", tenant.Throttled, false},
	{400, "", "The operation failed because 'ada' isn't within your current write scopes", "", tenant.Denied, false},
	{500, inTenant, "Active Directory operation failed: Insufficient access rights", "", tenant.Denied, false},
	{500, "", "MapiExceptionNoAccess: MapiAccessDenied", "", tenant.Denied, false},

	{400, noWrite, wrapped, "", tenant.Failed, true},
	{500, "", wrapped, "", tenant.Failed, true},
	{500, transient, wrapped, "", tenant.Failed, true},
	{503, "", wrapped, "", tenant.Failed, true},
	{400, "System.InvalidOperationException", synced, "", tenant.Failed, true},
}
