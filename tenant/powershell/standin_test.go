package powershell

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/tenant"
)

// The test binary is the PowerShell of these tests: started by the package, it
// speaks the bridge's side of the protocol, and misbehaves to order.
func TestMain(m *testing.M) {
	inheritedVariables = append(inheritedVariables, "STANDIN*", "GORACE", "GOCOVERDIR")
	if address := os.Getenv("STANDIN"); address != "" {
		standIn(address)
		return
	}
	os.Exit(m.Run())
}

// A stage is where the test meets its stand-ins. Each event of a stand-in is
// recorded, and waits there until the hook has returned.
type stage struct {
	t        *testing.T
	listener net.Listener

	mu     sync.Mutex
	events []event
	hook   func(event)
	alive  int // stand-ins that are connected
	left   *sync.Cond
}

type event struct {
	pid  int
	name string // start, line, begin, connect, run, bye, child
	text string
}

// newStage makes Config.Program's stand-ins come to a new stage. Modes, by
// name, say how they behave from their start on.
func newStage(t *testing.T, modes ...string) *stage {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, listener: l}
	s.left = sync.NewCond(&s.mu)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or the race detector makes each end take a second
	t.Setenv("STANDIN", l.Addr().String())
	t.Setenv("STANDIN_MODES", strings.Join(modes, ","))
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.attend(c)
		}
	}()
	return s
}

func (s *stage) attend(c net.Conn) {
	defer c.Close()
	s.mu.Lock()
	s.alive++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.alive--
		s.mu.Unlock()
		s.left.Broadcast()
	}()
	in := json.NewDecoder(c)
	for {
		var e [3]string
		if in.Decode(&e) != nil {
			return
		}
		pid, _ := strconv.Atoi(e[0])
		s.mu.Lock()
		hook := s.hook
		s.events = append(s.events, event{pid, e[1], e[2]})
		s.mu.Unlock()
		if hook != nil {
			hook(event{pid, e[1], e[2]})
		}
		if _, err := c.Write([]byte("\n")); err != nil {
			return
		}
	}
}

func (s *stage) setHook(f func(event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

func (s *stage) count(name string) int { return len(s.texts(name)) }

func (s *stage) texts(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, e := range s.events {
		if e.name == name {
			texts = append(texts, e.text)
		}
	}
	return texts
}

// wait waits until all stand-ins are gone.
func (s *stage) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.alive > 0 {
		s.left.Wait()
	}
}

// empty waits until all stand-ins are gone, and fails the test if one of their
// numbers is still in use.
func (s *stage) empty() {
	s.t.Helper()
	s.wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.name != "start" {
			continue
		}
		if p, err := os.FindProcess(e.pid); err == nil && p.Signal(syscall.Signal(0)) == nil {
			s.t.Errorf("process %d is still there", e.pid)
		}
	}
}

const testNoun = "UserAnalyticsConfig"

var testToken = strings.Repeat("eyJ0eXAiOiJKV1Qi.", 40) + "end"

// withToken signs in with a token that never ends.
func withToken(token string) SignIn {
	return SignIn{Method: AccessToken, Organization: "contoso.onmicrosoft.com",
		Token: func(context.Context, string) (string, time.Time, error) { return token, time.Time{}, nil }}
}

// open returns a Tenant of stand-ins. Change changes its Config.
func open(t *testing.T, change func(*Config)) *Tenant {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Program: program,
		Noun:    testNoun,
		SignIn:  withToken("none"),
		Timeout: time.Minute,
	}
	if change != nil {
		change(&cfg)
	}
	tn, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tn.Close)
	return tn
}

func get(upn string) tenant.Cmdlet {
	return tenant.Cmdlet{Name: "Get-" + testNoun, Identity: upn}
}

// standIn is the other process.
func standIn(address string) {
	// Above all it must not outlive the test.
	time.AfterFunc(2*time.Minute, func() { os.Exit(9) })
	c, err := net.Dial("tcp", address)
	if err != nil {
		os.Exit(8)
	}
	ok := bufio.NewReader(c)
	tell := func(name, text string) {
		b, _ := json.Marshal([3]string{strconv.Itoa(os.Getpid()), name, text})
		if _, err := c.Write(b); err != nil {
			os.Exit(7)
		}
		if _, err := ok.ReadByte(); err != nil {
			os.Exit(7)
		}
	}
	modes := "," + os.Getenv("STANDIN_MODES") + ","
	mode := func(name string) bool { return strings.Contains(modes, ","+name+",") }
	if mode("child") {
		tell("child", "")
		select {}
	}

	tell("start", strings.Join(append(os.Args[1:], os.Environ()...), "\n"))
	in := bufio.NewReader(os.Stdin)
	count, err := in.ReadString('\n')
	n, _ := strconv.Atoi(strings.TrimSpace(count))
	if err != nil || n == 0 {
		os.Exit(6)
	}
	for range n {
		if _, err := in.ReadString('\n'); err != nil {
			os.Exit(6)
		}
	}
	if mode("silent") {
		select {}
	}
	if mode("dies at start") {
		fmt.Fprintf(os.Stderr, "#< CLIXML\nbad day\n")
		os.Exit(1)
	}
	if mode("no language mode") {
		fmt.Fprintln(os.Stderr, "Cannot invoke method. Method invocation is supported only on core types in this language mode.")
		os.Exit(1)
	}

	var nonce, noun, secret string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			if !mode("stays") {
				tell("bye", "")
				os.Exit(0)
			}
			select {}
		}
		tell("line", line)
		var r request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			os.Exit(5)
		}
		tell(string(r.Op), string(r.Cmdlet+r.Module))
		switch {
		case mode("dies at " + string(r.Op)):
			os.Exit(1)
		case mode("hangs at " + string(r.Op)):
			select {}
		}
		say := func(members string) {
			fmt.Printf("\n%s{\"id\":%d%s}\n", nonce, r.ID, members)
		}
		switch r.Op {
		case "begin":
			nonce, noun = string(r.Nonce), string(r.Noun)
			version, edition, versions := "7.4.6", "Core", `"3.5.0","3.4.0","3.10.0"`
			switch {
			case mode("other has one") && strings.Contains(os.Args[0], "powershell.exe"):
				version, edition, versions = "5.1", "Desktop", `"3.9.0"`
			case mode("no module"):
				versions = ""
			case mode("old module"):
				versions = `"3.0.0"`
			case mode("new module"):
				versions = `"3.10.1","3.0.0"`
			}
			fmt.Println("loading")
			say(`,"powershell":"` + version + `","edition":"` + edition + `","modules":[` + versions + `]`)
		case "import":
			switch {
			case mode("no import"):
				say(`,"error":` + fail("import", "running scripts is disabled on this system", "System.Management.Automation.PSSecurityException", 0))
			case mode("no memory"):
				say(`,"error":` + fail("import", "Exception of type 'System.OutOfMemoryException' was thrown.", "System.OutOfMemoryException", 0))
			case mode("bad newest") && r.Module == "3.5.0", mode("bad modules"):
				say(`,"error":` + fail("import", "Could not load file or assembly", "System.IO.FileLoadException", 0))
			default:
				say("")
			}
		case "connect":
			for _, p := range r.Parameters {
				if p.Name == "AccessToken" {
					secret = string(p.Value)
				}
			}
			if secret != "" {
				half := len(secret) / 2
				fmt.Printf("token %s\n%s\n%s\n", secret, secret[:half], secret[half:])
				fmt.Fprintln(os.Stderr, "stderr "+secret)
			}
			fmt.Printf("\x1b[33mTo sign in, enter the code\x1b[0m ABCD-EFGH\r\nhalf a line")
			switch {
			case mode("refuses"):
				say(`,"error":` + fail("connect", "AADSTS700027: "+secret+" is no good", "Microsoft.Identity.Client.MsalServiceException", 401))
			case mode("overloaded"):
				say(`,"error":` + fail("connect", "The service is unavailable.", "System.SystemException", 503))
			case mode("no memory to connect"):
				say(`,"error":` + fail("connect", "no", "System.OutOfMemoryException", 0))
			case mode("no network"):
				say(`,"error":` + fail("connect", "no such host", "System.Net.Http.HttpRequestException", 0))
			case mode("of contoso"):
				say(`,"account":"admin@contoso.com","tenantID":"11111111-2222-3333-4444-555555555555","cmdlets":["Get-` + noun + `","Set-` + noun + `"]`)
			case mode("no set"):
				say(`,"cmdlets":["Get-` + noun + `"]`)
			case mode("no cmdlets"):
				say(`,"cmdlets":[]`)
			default:
				say(`,"cmdlets":["Get-` + noun + `","Set-` + noun + `"]`)
			}
		case "run":
			act(string(r.Parameters[0].Value), nonce, secret, r.ID, say, tell)
		}
	}
}

// act answers the run of a cmdlet for the user that identity names.
func act(identity, nonce, secret string, id int, say func(string), tell func(name, text string)) {
	good := `,"warnings":[],"objects":[{"UserId":"` + identity + `","PrivacyMode":"opt-in","IsDashboardEnabled":true,"Ratio":0.1,"Big":9007199254740993,"None":null,"List":["a",1],"City":"\u00c5rhus \ud83d\ude00"}]`
	user, _, _ := strings.Cut(identity, "@")
	switch user {
	case "dies":
		fmt.Fprintln(os.Stderr, "out of memory "+secret)
		os.Exit(3)
	case "hangs":
		tell("hanging", "")
		select {}
	case "family":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "STANDIN_MODES=child")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if child.Start() != nil {
			os.Exit(4)
		}
		tell("hanging", "")
		select {}
	case "floods":
		flood := []byte(strings.Repeat("x", 1<<20))
		for range 64 {
			os.Stdout.Write(flood)
		}
		say(good)
	case "overlong":
		fmt.Print("\n", nonce)
		long := []byte(strings.Repeat("x", 1<<20))
		for range 10 {
			os.Stdout.Write(long)
		}
		fmt.Println()
	case "rubbish":
		fmt.Printf("\n%s not json\n", nonce)
	case "more":
		fmt.Printf("\n%s{\"id\":%d,\"objects\":[]}]\n", nonce, id)
	case "empty":
		say("")
	case "list":
		fmt.Printf("\n%s[1]\n", nonce)
	case "torn":
		fmt.Printf("\n%s{\"id\":%d,\"obj", nonce, id)
		os.Exit(0)
	case "wrongid":
		fmt.Printf("\n%s{\"id\":%d,\"objects\":[]}\n", nonce, id+1)
	case "twice":
		say(good)
		say(good)
	case "noise":
		fmt.Printf("WARNING: mind\n{\"id\":%d,\"objects\":[]}\n\xff\xfe\x00", id)
		fmt.Fprintln(os.Stderr, "noise")
		say(good)
		fmt.Printf("half")
	case "warns":
		warnings, _ := json.Marshal([]string{"slow é\r\ndown " + secret})
		say(`,"objects":[],"warnings":` + string(warnings))
	case "lost":
		say(`,"warnings":[],"error":` + fail("cmdlet", "You must call Connect-ExchangeOnline before calling any other cmdlet.", "System.Exception", 0))
	case "refused":
		say(`,"warnings":[],"error":` + fail("cmdlet", "Error while requesting the server.HttpStatusCode=Unauthorized", "System.Exception", 0))
	case "gone":
		say(`,"warnings":[],"error":{"kind":"missing","message":"no such cmdlet"}`)
	case "fails":
		say(`,"warnings":[],"error":` + fail("cmdlet", "bad "+secret, "System.ArgumentException", 0))
	default:
		say(good)
	}
}

// fail returns a failure as the bridge sends it.
func fail(kind, message, exception string, status int) string {
	b, _ := json.Marshal(failure{Kind: kind, Message: message, Exceptions: []string{exception}, Status: status})
	return string(b)
}
