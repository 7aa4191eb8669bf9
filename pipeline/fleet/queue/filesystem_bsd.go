//go:build darwin || freebsd

package queue

import (
	"strings"

	"golang.org/x/sys/unix"
)

// fileSystem returns the name of the file system of a directory if it is one of a
// network, and "" if not.
func fileSystem(dir string) (string, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return "", err
	}
	switch kind := strings.ToUpper(unix.ByteSliceToString(s.Fstypename[:])); kind {
	case "NFS", "SMBFS", "AFPFS", "WEBDAV":
		return kind, nil
	}
	return "", nil
}
