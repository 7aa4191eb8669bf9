package rest

import (
	"encoding/json"
	"net/http"
	"testing"
)

// The parameters of a challenge come to an end, whatever it is.
func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer realm="x", claims="e30="`)
	f.Add(`a=b=c,,"`)
	f.Fuzz(func(t *testing.T, v string) {
		n := 0
		for range parameters(v) {
			if n++; n > len(v) {
				t.Fatalf("more parameters than bytes in %q", v)
			}
		}
		if c := challenge(http.Header{"Www-Authenticate": {v}}); c != "" && !json.Valid([]byte(c)) {
			t.Errorf("challenge %q of %q", c, v)
		}
	})
}
