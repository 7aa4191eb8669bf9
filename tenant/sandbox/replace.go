package sandbox

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"rollcall/tenant/disk"
)

// replace gives the file called path the content that write writes, and keeps
// its mode. When the content is on the disk, and only has to get its name, ready
// is called with its SHA-256. What is returned is nil if the file is as it was.
func replace(path string, write func(io.Writer) error, ready func(digest string) error) (replaced os.FileInfo, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if replaced == nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	sum := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(tmp, sum), 1<<16)
	if err := write(w); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	if err := chmod(tmp, info.Mode().Perm()); err != nil {
		return nil, err
	}
	if err := tmp.Sync(); err != nil {
		return nil, err
	}
	if info, err = tmp.Stat(); err != nil {
		return nil, err
	}
	if err := tmp.Close(); err != nil {
		return nil, err
	}
	if err := ready(hex.EncodeToString(sum.Sum(nil))); err != nil {
		return nil, err
	}
	if err := disk.Rename(tmp.Name(), path); err != nil {
		return nil, err
	}
	return info, disk.SyncDir(filepath.Dir(path))
}

// chmod gives f the mode, as far as Windows knows modes.
func chmod(f *os.File, perm os.FileMode) error {
	if err := f.Chmod(perm); err != nil && runtime.GOOS != "windows" {
		return err
	}
	return nil
}
