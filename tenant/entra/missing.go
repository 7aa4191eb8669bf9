package entra

import "strings"

// A Need is something that a method requires.
type Need string

// The Needs. Each is the text that says what is missing.
const (
	NeedTenant         Need = "tenant ID"
	NeedClient         Need = "client ID of an application"
	NeedSecret         Need = "secret"
	NeedCertificate    Need = "certificate"
	NeedPassword       Need = "password of the certificate"
	NeedFederatedToken Need = "federated token"
	NeedToken          Need = "access token"
)

// A MissingError says what a [Config] lacks: all of it at once.
type MissingError struct{ Needs []Need }

func (e *MissingError) Error() string {
	var all []string
	for _, n := range e.Needs {
		all = append(all, "no "+string(n))
	}
	return strings.Join(all, ", ")
}

// missing returns a [*MissingError] of those needs whose value is empty, or nil
// if there is none.
func missing(needs map[Need]string) error {
	var e MissingError
	for _, n := range []Need{NeedTenant, NeedClient, NeedSecret, NeedCertificate, NeedPassword, NeedFederatedToken, NeedToken} {
		if value, ok := needs[n]; ok && value == "" {
			e.Needs = append(e.Needs, n)
		}
	}
	if e.Needs == nil {
		return nil
	}
	return &e
}
