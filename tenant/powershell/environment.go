package powershell

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// inheritedVariables are the environment variables that a process is given: those
// that PowerShell, .NET, the module or a proxy may need. Others it does not get,
// least of all the secrets that rollcall signs in with. A * stands for any end of
// a name.
var inheritedVariables = []string{
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
	"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DOTNET_*", "COMPlus_*", "CLR_*", "PSModulePath", "PSModuleAnalysisCachePath", "PSExecutionPolicyPreference", "__PSLockdownPolicy",
	"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
	// Of Windows.
	"SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT", "OS", "COMPUTERNAME", "USERNAME", "USERDOMAIN", "USERDOMAIN_ROAMINGPROFILE", "USERDNSDOMAIN",
	"USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "ALLUSERSPROFILE", "ProgramData", "ProgramFiles*", "ProgramW6432", "CommonProgram*",
	"PUBLIC", "LOGONSERVER", "SESSIONNAME", "NUMBER_OF_PROCESSORS", "PROCESSOR_*",
}

// desktopVariables are what a browser needs, for a person who signs in.
var desktopVariables = []string{"BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_*", "DBUS_SESSION_BUS_ADDRESS", "DESKTOP_SESSION", "GNOME_*", "KDE_*"}

// fixedVariables are added: no colours in what it writes, and no calls home that are not
// ours.
var fixedVariables = []string{"NO_COLOR=1", "POWERSHELL_UPDATECHECK=Off", "POWERSHELL_TELEMETRY_OPTOUT=1"}

// command returns what runs program with a folder of its own.
func (t *Tenant) command(program, folder string) *exec.Cmd {
	cmd := exec.Command(program, arguments...)
	cmd.Env = t.environ(folder)
	ownGroup(cmd, t.cfg.SignIn.byHand())
	inheritFiles(cmd, t.cfg.Inherit)
	return cmd
}

// environ returns the environment of a process with a folder of its own. What it
// writes beside what it is asked for goes there, unless there is a better place
// that can be written to.
func (t *Tenant) environ(folder string) []string {
	names := inheritedVariables
	if t.cfg.SignIn.byHand() {
		names = slices.Concat(inheritedVariables, desktopVariables)
	}
	env := make(map[string]string)
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if slices.ContainsFunc(names, func(pattern string) bool { return matches(pattern, name) }) {
			env[name] = value
		}
	}
	for _, v := range fixedVariables {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	if runtime.GOOS == "windows" {
		env["TEMP"], env["TMP"] = folder, folder
	} else {
		env["TMPDIR"] = folder
		redirectFolders(env, folder)
	}
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// matches reports whether name is pattern, or begins with it if it ends in a *.
// On Windows names have no case.
func matches(pattern, name string) bool {
	if runtime.GOOS == "windows" {
		pattern, name = strings.ToUpper(pattern), strings.ToUpper(name)
	}
	begin, any := strings.CutSuffix(pattern, "*")
	return name == begin || any && strings.HasPrefix(name, begin)
}

// redirectFolders sets the home and XDG variables of env to folders below folder
// where the account has none that it can write to: a service's home may be missing
// or read-only. The user's modules are still found where they are.
func redirectFolders(env map[string]string, folder string) {
	home := env["HOME"]
	if home == "" {
		if u, err := user.Current(); err == nil {
			home = u.HomeDir
		}
	}
	if info, err := os.Stat(home); home == "" || err != nil || !info.IsDir() {
		home = folder
	}
	env["HOME"] = home
	modules := ""
	for _, kind := range []struct{ variable, under string }{
		{"XDG_CACHE_HOME", ".cache"}, {"XDG_CONFIG_HOME", ".config"}, {"XDG_DATA_HOME", filepath.Join(".local", "share")},
	} {
		place := env[kind.variable]
		if !filepath.IsAbs(place) {
			place = filepath.Join(home, kind.under)
		}
		if writable(filepath.Join(place, "powershell")) {
			continue
		}
		env[kind.variable] = filepath.Join(folder, kind.under)
		if kind.variable == "XDG_DATA_HOME" {
			modules = filepath.Join(place, "powershell", "Modules")
		}
	}
	if modules != "" {
		env["PSModulePath"] = strings.TrimSuffix(modules+string(os.PathListSeparator)+env["PSModulePath"], string(os.PathListSeparator))
	}
}

// writable reports whether dir is there, or can be made, and files in it.
func writable(dir string) bool {
	if os.MkdirAll(dir, 0o700) != nil {
		return false
	}
	f, err := os.CreateTemp(dir, ".rollcall-*")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}
