package queue

import "golang.org/x/sys/windows"

// fileSystem returns "a network drive" if a directory is on one, and "" if not.
func fileSystem(dir string) (string, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return "", err
	}
	root := make([]uint16, windows.MAX_LONG_PATH)
	if err := windows.GetVolumePathName(name, &root[0], uint32(len(root))); err != nil {
		return "", err
	}
	if windows.GetDriveType(&root[0]) == windows.DRIVE_REMOTE {
		return "a network drive", nil
	}
	return "", nil
}
