package powershell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/internal/errorcases"
)

const fuzzSecret = "c2VzYW1lLXNlc2FtZS1zZXNhbWU0MTIz"

// Whatever a process writes as a reply, it is a success only if it is whole, and
// else an error that may be shown. SECRET stands for one.
func FuzzReply(f *testing.F) {
	for _, line := range []string{
		`{"id":1,"powershell":"7.4.6","edition":"Core","module":"3.5.0"}`,
		`{"id":1,"cmdlets":["Get-A","Set-A"]}`,
		`{"id":1,"warnings":["slow SECRET"],"objects":[{"UserId":"a","N":1.5e300,"L":[1,null],"B":true}]}`,
		`{"id":1,"objects":[null,{}]}`,
		`{"id":1,"objects":[]}`, `{"id":1,"objects":null}`, `{"id":1}`, `null`, `[]`, `{"id":1,"objects":[]}]`, `{"id":1,"obj`,
		`{"id":1,"error":{"kind":"cmdlet","message":"Ex1|A.B|no SECRET","exceptions":["System.Exception"],"status":400,"retryAfter":"5"}}`,
		`{"id":1,"error":{"kind":"cmdlet","message":"x","exceptions":[]}}`,
		`{"id":1,"error":{"kind":"cmdlet","exceptions":["",""],"details":["||","a|b|c"],"reason":"R","status":-5}}`,
		`{"id":1,"error":{"kind":"connect","message":"AADSTS1: SEC\u0000RET","status":99999}}`,
		`{"id":1,"error":{"kind":"import","message":"running scripts is disabled"}}`,
		`{"id":1,"error":{"kind":"missing"}}`, `{"id":1,"error":{}}`, `{"id":1,"objects":[],"error":{}}`,
		`{"id":1,"error":{"kind":"cmdlet","body":"{\"code\":1,\"message\":\"SECRET\",\"details\":[{\"code\":\"SECRET\"}]}","discovery":true,"exceptions":["A","B"],"details":["SECRET"]}}`,
		`{"id":1,"error":{"kind":"broken","message":"see inner exception","exceptions":["A","B","C"],"details":["x"]}}`,
		`{"id":1,"error":{"kind":"cmdlet","message":"Error while requesting the server.HttpStatusCode=TooManyRequests"}}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.ReplaceAll(line, []byte("SECRET"), []byte(fuzzSecret))
		line = bytes.ReplaceAll(line, []byte(`SEC\u0000RET`), []byte(fuzzSecret[:12]+`\u0000`+fuzzSecret[12:]))
		secrets := []string{fuzzSecret}
		r, err := readReply(line)
		if err != nil {
			errorcases.CheckText(t, tenant.Clean(err.Error(), secrets...), fuzzSecret)
			return
		}
		if !json.Valid(line) {
			t.Errorf("took %q, which is not JSON", line)
		}
		// Cut anywhere it is not a reply.
		whole := bytes.TrimSpace(line)
		if torn, err := readReply(whole[:len(whole)-1]); err == nil {
			t.Errorf("took %q, a part of %q, for %+v", whole[:len(whole)-1], line, torn)
		}
		for _, s := range append(append([]string{r.PowerShell, r.Edition, r.Account, r.TenantID}, slices.Concat(r.Cmdlets, r.Modules)...), r.Warnings...) {
			errorcases.CheckText(t, tenant.Clean(s, secrets...), fuzzSecret)
		}
		objects, e, _ := r.result(get("ada@contoso.com"), secrets)
		switch {
		case r.Error != nil:
			if e == nil || objects != nil {
				t.Errorf("%q: objects %v, error %v", line, objects, e)
			}
			errorcases.CheckError(t, e, fuzzSecret)
			errorcases.CheckError(t, r.Error.refusal("contoso", secrets), fuzzSecret)
		case (objects != nil) != (r.Objects != nil):
			t.Errorf("%q: objects %v", line, objects)
		default:
			for _, o := range objects {
				if o == nil {
					t.Errorf("%q has an object that is none", line)
				}
				for name, v := range o {
					if got, ok := o.Get(name); !ok || !reflect.DeepEqual(got, v) {
						t.Errorf("%q is %v, and then %v", name, v, got)
					}
					tenant.Text(v)
				}
			}
		}
	})
}

// Whatever is a process's output, its lines are bounded, and what stands behind
// the mark, and no other, is a reply.
func FuzzReadLines(f *testing.F) {
	f.Add([]byte("noise\r\nMARK{1}\n\nMARKtorn"), 3)
	f.Add([]byte("MARK"), 1000)
	f.Add(bytes.Repeat([]byte("x"), 10), 1<<12)
	f.Fuzz(func(t *testing.T, output []byte, times int) {
		output = bytes.Repeat(output, min(max(times, 0), 1<<12)%(1<<20/(len(output)+1)+1))
		marked := 0
		for l := range readLines(bytes.NewReader(output), []byte("MARK")) {
			if l.marked {
				marked++
			}
			if n := len(l.text); !l.marked && n > maxOther || n > maxReply || bytes.Contains(l.text, []byte("\n")) {
				t.Errorf("a line of %d bytes, marked: %v", n, l.marked)
			}
		}
		want := 0
		for line := range bytes.Lines(output) {
			if bytes.HasPrefix(line, []byte("MARK")) && bytes.HasSuffix(line, []byte("\n")) {
				want++
			}
		}
		if marked != want {
			t.Errorf("%d replies in %q, want %d", marked, output, want)
		}
	})
}

// A list without exceptions is no panic.
func TestNoExceptions(t *testing.T) {
	for _, exceptions := range []string{`[]`, `null`, `[""]`} {
		r, err := readReply(fmt.Appendf(nil, `{"id":1,"error":{"kind":"cmdlet","message":"no","exceptions":%s}}`, exceptions))
		if err != nil {
			t.Fatal(err)
		}
		if e, _ := r.Error.fault(tenant.Cmdlet{}, nil); e.Exception != "" || e.Err.Error() != "no" {
			t.Errorf("%s: %v, exception %q", exceptions, e, e.Exception)
		}
	}
}
