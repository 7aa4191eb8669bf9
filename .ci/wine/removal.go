package PACKAGE

import _ "unsafe"

// Wine 8 does not know the way by which os.RemoveAll removes first, and says so in
// words for which the standard library does not try the second: it is to try that
// alone.
//
//go:linkname fallback internal/syscall/windows.TestDeleteatFallback
var fallback bool

func init() { fallback = true }
