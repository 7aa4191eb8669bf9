package sandbox

import (
	"net/http"
	"strings"
)

// familiar are nouns without rules of their own that are listed all the same:
// there is no end to those that can be run.
var familiar = []string{"CASMailbox", "Mailbox"}

// moduleFile replies to who asks which cmdlets they may run.
func (s *Server) moduleFile(r *http.Request, e endpoint) reply {
	switch {
	case r.Header.Get("CommandName") != "*":
		return s.malformed(e.path(), http.StatusBadRequest, "header CommandName: want *")
	case r.URL.Query().Get("Version") == "":
		return s.malformed(e.path(), http.StatusBadRequest, "query: want a Version")
	}
	var cmdlets []string
	add := func(noun string) { cmdlets = append(cmdlets, "Get-"+noun, "Set-"+noun) }
	for _, n := range nouns {
		add(n.name)
	}
	for _, noun := range familiar {
		add(noun)
	}
	return reply{
		status: http.StatusOK,
		head:   `{"@odata.context":"https://outlook.office365.com/adminapi/` + e.version + "/" + e.organization + `/$metadata#EXOModuleFile",`,
		values: []byte(`{"exportedCmdlets":` + quote(strings.Join(cmdlets, ",")) + `}`),
	}
}
