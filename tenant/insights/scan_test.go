package insights

import (
	"encoding/json"
	"reflect"
	"testing"
)

// A document that is scanned is the one that encoding/json reads.
func FuzzScanDocument(f *testing.F) {
	for _, body := range []string{settings, `{"IsEnabled":true,"x":[1,{"a":null}]}`, `{"isEnabled":true}`, `{"IsEnabled":false,"i\u017fEnabled":true}`,
		`{"FeatureSettings":{"IsAddInOptedOut":true},"FeatureSettings":{"IsDashboardOptedOut":false}}`, `{"ServiceSettings":null}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := scanDocument(body)
		if !ok {
			return
		}
		want := new(document)
		if err := json.Unmarshal(body, want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is\n%+v, want\n%+v, %v", body, got, want, err)
		}
	})
}

// The settings that the service sends are not left to encoding/json.
func TestScanDocument(t *testing.T) {
	if d, ok := scanDocument([]byte(settings)); !ok || d.FeatureSettings == nil || d.ServiceSettings.IsOptedOut == nil {
		t.Errorf("scanned %+v, %v", d, ok)
	}
}
