package html

import (
	"io"
	"os"
	"strings"
)

// reportHead is what all reports begin with, ahead of their policy.
const reportHead = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\""

// IsReport reports whether the file called name looks like a report that this program
// has written.
func IsReport(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, int64(len(reportHead))))
	return err == nil && strings.EqualFold(string(head), reportHead)
}
