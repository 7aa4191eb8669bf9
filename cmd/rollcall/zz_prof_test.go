package main

import "testing"

func BenchmarkZZ(b *testing.B) {
	for b.Loop() {
		rollcall(b, exitOK, "apply", "/tmp/h12/b/users.csv", "--privacy-mode", "opt-out", "-o", b.TempDir()+"/results.csv", "--overwrite", "--quiet")
	}
}
