package server

import (
	"encoding/json"
	"net/http"
	"strings"

	"go.uber.org/zap"
)

// autodiscoverPath begins the path of requests for the path of a service.
const autodiscoverPath = "/autodiscover/autodiscover.json/v1.0/"

// autodiscover replies to who asks where Viva Insights is. Nobody has to show a
// token for that, and so nobody should: one that is shown is refused.
func (s *Server) autodiscover(w http.ResponseWriter, r *http.Request) {
	fault := s.Faults.drawOf(ofDiscovery, newChance(s.Seed, s.tally.discover()).float())
	if fault != "" {
		s.tally.fault(fault)
	}
	s.Log.Debug("autodiscover", zap.String("fault", fault))
	s.perform(w, r, "", s.Latency, func() reply {
		refuse := func(status int, code, text string) reply {
			body, err := json.Marshal(struct{ ErrorCode, ErrorMessage string }{code, text})
			if err != nil {
				panic("server: " + err.Error())
			}
			return reply{status: status, body: body}
		}
		protocol := r.URL.Query().Get("Protocol")
		address := strings.TrimPrefix(r.URL.Path, autodiscoverPath)
		switch {
		case r.Header.Get("Authorization") != "":
			s.malformed(r.URL.Path, http.StatusBadRequest, "a token came with a request that wants none")
			return refuse(http.StatusBadRequest, "InvalidRequest", "No token is wanted here.")
		case r.Method != http.MethodGet:
			s.malformed(r.URL.Path, http.StatusMethodNotAllowed, "want GET")
			return refuse(http.StatusMethodNotAllowed, "InvalidRequest", "The requested resource does not support http method '"+r.Method+"'.")
		case !strings.Contains(address, "@"):
			s.malformed(r.URL.Path, http.StatusBadRequest, "want an address")
			return refuse(http.StatusBadRequest, "InvalidUserId", "The given user is invalid.")
		case fault == faultDiscover503:
			return textReply(http.StatusServiceUnavailable, "The service is unavailable.")
		case fault == faultUndiscovered, !strings.EqualFold(protocol, "Weve"):
			return refuse(http.StatusBadRequest, "ProtocolNotSupported", "The given protocol value '"+protocol+"' is invalid.")
		}
		return reply{status: http.StatusOK, body: []byte(`{"Protocol":"Weve","Url":"https://substrate.office.com/` + insightsPath + `"}`)}
	})
}
