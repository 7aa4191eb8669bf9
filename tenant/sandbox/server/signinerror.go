package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"rollcall/tenant"
	"time"

	"go.uber.org/zap"
)

// A signInError is why no token is given, as Entra ID has it.
type signInError struct {
	status int
	code   string // OAuth's
	number int    // Entra ID's own
	text   string
}

// missingField returns the error of a request that lacks a parameter.
func missingField(parameter string) *signInError {
	return &signInError{http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: '" + parameter + "'."}
}

// pending is not counted as a refusal: the client is to ask again.
const pending = "authorization_pending"

// failSignIn counts a request that gets no token, and replies to it.
func (s *Server) failSignIn(w http.ResponseWriter, e *signInError, header []string) {
	if e.code != pending {
		s.tally.add(&s.tally.counts.RefusedSignIns)
	}
	s.Log.Debug("sign-in refused", zap.String("error", e.code), zap.Int("number", e.number))
	now := time.Now().UTC().Format("2006-01-02 15:04:05Z")
	trace, correlation := tenant.NewGUID(), w.Header().Get("client-request-id")
	if correlation == "" {
		correlation = tenant.NewGUID()
	}
	for i := 0; i < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	writeJSON(w, e.status, map[string]any{
		"error":             e.code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", e.number, e.text, trace, correlation, now),
		"error_codes":       []int{e.number},
		"timestamp":         now,
		"trace_id":          trace,
		"correlation_id":    correlation,
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("server: " + err.Error())
	}
	reply{status: status, kind: "application/json; charset=utf-8", body: b}.write(w)
}
