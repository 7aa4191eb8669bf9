package powershell

import (
	"embed"
	"strconv"
	"strings"
)

//go:embed *.ps1
var scripts embed.FS

// bridge is the script that a process runs, bridge.ps1 behind what it uses. It is
// ASCII, as all is that goes through the pipes.
var bridge = readScripts("values.ps1", "parameters.ps1", "failure.ps1", "bridge.ps1")

func readScripts(names ...string) string {
	var all strings.Builder
	for _, name := range names {
		b, err := scripts.ReadFile(name)
		if err != nil {
			panic("powershell: " + err.Error()) // they are in the program
		}
		all.Write(b)
	}
	return all.String()
}

// loader is the command line's part of it: it reads the script from standard
// input, behind a line with the number of its lines, and runs it. So there is
// no file that anyone could change, and nothing for an execution policy to
// judge; the command line, which other users can read, is the same for
// everyone and short of every limit; and it isn't -EncodedCommand, which makes
// the host write its errors as XML, and watchmen nervous.
//
// PowerShell reads standard input itself under -Command - and if the command
// names the variable for pipeline input. This one does neither, and leaves it
// to the script (ConsoleHost looks for the variable before it reads). There is
// no quote in it, so that it is one argument on every system.
const loader = `& ([scriptblock]::Create((@(1..([int][Console]::In.ReadLine()) | ForEach-Object { [Console]::In.ReadLine() }) -join [char]10)))`

// arguments are those of a PowerShell that runs the bridge. Without
// -NonInteractive a question would be answered with our next request.
var arguments = []string{"-NoLogo", "-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-Command", loader}

// preamble returns what the loader reads.
func preamble() []byte {
	script := strings.TrimSuffix(strings.ReplaceAll(bridge, "\r\n", "\n"), "\n")
	lines := strings.Count(script, "\n") + 1
	return []byte(strconv.Itoa(lines) + "\n" + script + "\n")
}
