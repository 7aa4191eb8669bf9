package main

import (
	"bufio"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// An instruction is one of a Containerfile.
type instruction struct {
	name  string
	flags map[string]string
	args  []string
}

// containerfile returns the stages of .github/Containerfile, by the name in AS, the
// last one by "".
func containerfile(t *testing.T) map[string][]instruction {
	t.Helper()
	f, err := os.Open("../../.github/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stages := make(map[string][]instruction)
	var stage string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		i := instruction{name: words[0], flags: make(map[string]string)}
		for _, word := range words[1:] {
			if flag, ok := strings.CutPrefix(word, "--"); ok && len(i.args) == 0 {
				name, value, _ := strings.Cut(flag, "=")
				i.flags[name] = value
				continue
			}
			i.args = append(i.args, word)
		}
		if !slices.Contains([]string{"FROM", "ARG", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT"}, i.name) || len(i.args) == 0 {
			t.Fatalf("%q is no instruction that this test knows", lines.Text())
		}
		if i.name == "FROM" {
			stage = ""
			if n := len(i.args); n == 3 && i.args[1] == "AS" {
				stage = i.args[2]
			}
		}
		stages[stage] = append(stages[stage], i)
	}
	return stages
}

// named returns the instructions of that name.
func named(stage []instruction, name string) (found []instruction) {
	for _, i := range stage {
		if i.name == name {
			found = append(found, i)
		}
	}
	return found
}

// The image has one program, without libraries, and runs as nobody in particular. What
// is copied into it comes from the stage that builds.
func TestContainerfile(t *testing.T) {
	stages := containerfile(t)
	image := stages[""]
	if len(stages) != 2 || image[0].args[0] != "scratch" {
		t.Fatalf("there are %d stages, and the image is from %q", len(stages), image[0].args)
	}
	if user := named(image, "USER"); len(user) != 1 || strings.HasPrefix(user[0].args[0], "0") || user[0].args[0] == "root" {
		t.Errorf("the image runs as %v", user)
	}
	for _, c := range named(image, "COPY") {
		if _, ok := stages[c.flags["from"]]; !ok || !path.IsAbs(c.args[0]) {
			t.Errorf("%v is from no stage", c)
		}
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(mod), "\ngo ")
	version, _, _ = strings.Cut(version, "\n")
	if want := "docker.io/library/golang:" + strings.TrimSuffix(version, ".0") + "-bookworm"; stages["build"][0].args[0] != want {
		t.Errorf("the image is built with %s, want %s, as go.mod has it", stages["build"][0].args[0], want)
	}

	// All that the program is built from is copied into the stage.
	copied := make(map[string]bool)
	for _, c := range named(stages["build"], "COPY") {
		for _, source := range c.args[:len(c.args)-1] {
			copied[source] = true
		}
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if and .Module .Module.Main}}{{.Dir}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for dir := range strings.Lines(string(out)) {
		rel, err := filepath.Rel(top, strings.TrimSpace(dir))
		if first, _, _ := strings.Cut(filepath.ToSlash(rel), "/"); err != nil || !copied[first] {
			t.Errorf("%s is not copied", rel)
		}
	}
	if !copied["go.mod"] || !copied["go.sum"] {
		t.Error("go.mod and go.sum are not copied")
	}
}

// The stage that builds does so, from nothing but what is copied into it: its commands
// leave a program that says its release, in a directory for temporary files of all.
func TestContainerfileBuilds(t *testing.T) {
	if os.Getenv("LONG") == "" || runtime.GOOS == "windows" {
		t.Skip("it builds the program once more")
	}
	t.Parallel()
	src, image := t.TempDir(), t.TempDir()
	build := containerfile(t)["build"]
	for _, c := range named(build, "COPY") {
		for _, source := range c.args[:len(c.args)-1] {
			if out, err := exec.Command("cp", "-R", filepath.Join("../..", source), src).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
	}
	for _, r := range named(build, "RUN") {
		command := strings.ReplaceAll(strings.Join(r.args, " "), "/image", image)
		cmd := exec.Command("/bin/sh", "-c", command)
		cmd.Dir = src
		cmd.Env = append(os.Environ(), "RELEASE=1.2.3", "COMMIT=abc", "TARGETOS=", "TARGETARCH=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	out, err := exec.Command(filepath.Join(image, "rollcall"), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "rollcall 1.2.3 (abc) go") {
		t.Errorf("the program says %s, %v", out, err)
	}
	if info, err := os.Stat(filepath.Join(image, "var", "tmp")); err != nil || info.Mode().Perm() != 0o777 || info.Mode()&os.ModeSticky == 0 {
		t.Errorf("/var/tmp has mode %v, %v", info.Mode(), err)
	}
	if strings.Contains(strings.Join(named(build, "RUN")[1].args, " "), "CGO_ENABLED=0") {
		if out, err := exec.Command("ldd", filepath.Join(image, "rollcall")).CombinedOutput(); err == nil {
			t.Errorf("the program needs libraries: %s", out)
		}
	}
}
