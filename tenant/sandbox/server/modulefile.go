package server

import (
	"fmt"
	"net/http"
	"rollcall/tenant/sandbox"
	"slices"
	"strings"
)

// familiar are nouns without rules of their own that are listed all the same:
// there is no end to those that can be run.
var familiar = []string{"CASMailbox", "Mailbox"}

// moduleFile replies to who asks which cmdlets they may run: with their names,
// and with a module that has them, which Microsoft's own imports when it connects.
// That has the cmdlets of Viva Insights itself, so they are not listed.
func (s *Server) moduleFile(r *http.Request, e endpoint) reply {
	asked := strings.FieldsFunc(r.Header.Get("CommandName"), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case len(asked) == 0:
		return s.malformed(e.path(), http.StatusBadRequest, "header CommandName: want * or the names of cmdlets")
	case r.URL.Query().Get("Version") == "":
		return s.malformed(e.path(), http.StatusBadRequest, "query: want a Version")
	}
	var cmdlets []string
	add := func(noun string) {
		for _, name := range []string{"Get-" + noun, "Set-" + noun} {
			if asked[0] == "*" || slices.ContainsFunc(asked, func(a string) bool { return strings.EqualFold(a, name) }) {
				cmdlets = append(cmdlets, name)
			}
		}
	}
	for _, noun := range append(sandbox.NounsOfExchange(), familiar...) {
		add(noun)
	}
	return reply{
		status: http.StatusOK,
		body: fmt.Appendf(appendContext(nil, e, "EXOModuleFile"),
			`"value":[{"fileName":"rollcall-sandbox.psm1","fileContent":%s,"exportedCmdlets":%s}]}`,
			quote(moduleText(cmdlets)), quote(strings.Join(cmdlets, ","))),
	}
}

// moduleText returns a module of PowerShell that has cmdlets. They only say where
// they can be run: the real ones are made to talk to the service.
func moduleText(cmdlets []string) string {
	var b strings.Builder
	b.WriteString("# The cmdlets of rollcall's sandbox.\n")
	for _, name := range cmdlets {
		fmt.Fprintf(&b, "function %s {\n    [CmdletBinding()] param([Parameter(ValueFromRemainingArguments = $true)] $Rest)\n"+
			"    throw '%[1]s: the sandbox runs it by InvokeCommand only'\n}\n", name)
	}
	if len(cmdlets) > 0 {
		fmt.Fprintf(&b, "Export-ModuleMember -Function %s\n", strings.Join(cmdlets, ", "))
	}
	return b.String()
}
