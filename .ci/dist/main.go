// Command dist makes what is released: for each system an archive with the
// program, its manual pages and shell completions, then a bill of materials and
// the checksums of all of it. The same commit and the same Go make the same bytes.
//
//	go run ./.ci/dist DIR
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

var systems = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// A file is one that goes into an archive.
type file struct {
	name string
	mode int64
	data []byte
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: dist DIR")
	}
	if err := dist(os.Args[1]); err != nil {
		log.Fatalf("dist: %v", err)
	}
}

func dist(dir string) error {
	version := output("git", "describe", "--tags", "--always", "--dirty")
	commit := output("git", "rev-parse", "HEAD")
	seconds, err := strconv.ParseInt(output("git", "log", "-1", "--format=%ct"), 10, 64)
	if err != nil {
		return err
	}
	when := time.Unix(seconds, 0).UTC()
	work, err := os.MkdirTemp("", "dist")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	docs, err := documentation(work, when)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var made []file
	for _, system := range systems {
		goos, goarch, _ := strings.Cut(system, "/")
		binary := filepath.Join(work, "rollcall-"+goos+"-"+goarch)
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
			"-ldflags", "-s -w -buildid= -X main.release="+version+" -X main.commit="+commit, "-o", binary, "./cmd/rollcall")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", system, err, out)
		}
		data, err := os.ReadFile(binary)
		if err != nil {
			return err
		}
		name := "rollcall-" + version + "-" + goos + "-" + goarch
		if goos == "windows" {
			files := append([]file{{"rollcall.exe", 0o755, data}}, docs...)
			data, err = zipped(name, files, when)
			name += ".zip"
		} else {
			files := append([]file{{"rollcall", 0o755, data}}, docs...)
			data, err = tarred(name, files, when)
			name += ".tar.gz"
		}
		if err != nil {
			return err
		}
		made = append(made, file{name: name, data: data})
		if system == systems[0] {
			sbom, err := materials(binary, version, when)
			if err != nil {
				return err
			}
			made = append(made, file{name: "rollcall-" + version + ".cdx.json", data: sbom})
		}
	}
	var sums bytes.Buffer
	for _, f := range made {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.data), f.name)
	}
	for _, f := range append(made, file{name: "SHA256SUMS", data: sums.Bytes()}) {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// output returns what a command prints.
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		log.Fatalf("dist: %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

// documentation returns the manual pages and the completions, with the README.
func documentation(work string, when time.Time) ([]file, error) {
	dir := filepath.Join(work, "docs")
	generate := exec.Command("go", "run", "-tags", "docs", "./cmd/rollcall", "docs", dir)
	generate.Env = append(os.Environ(), fmt.Sprint("SOURCE_DATE_EPOCH=", when.Unix())) // which the manual's date is taken from
	if out, err := generate.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("docs: %w\n%s", err, out)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		return nil, err
	}
	files := []file{{"README.md", 0o644, readme}}
	names, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{filepath.ToSlash(rel), 0o644, data})
	}
	return files, nil
}

func tarred(root string, files []file, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: root + "/" + f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: when, Format: tar.FormatPAX}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

func zipped(root string, files []file, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		fw, err := w.CreateHeader(&zip.FileHeader{Name: root + "/" + f.name, Method: zip.Deflate, Modified: when})
		if err != nil {
			return nil, err
		}
		if _, err := fw.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
