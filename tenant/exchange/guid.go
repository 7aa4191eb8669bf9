package exchange

import (
	"crypto/rand"
	"encoding/hex"
)

// newGUID returns a random GUID.
func newGUID() string {
	var r [16]byte
	rand.Read(r[:]) // has no error
	r[6] = r[6]&0x0f | 0x40
	r[8] = r[8]&0x3f | 0x80
	var g [36]byte
	hex.Encode(g[0:8], r[0:4])
	hex.Encode(g[9:13], r[4:6])
	hex.Encode(g[14:18], r[6:8])
	hex.Encode(g[19:23], r[8:10])
	hex.Encode(g[24:36], r[10:16])
	g[8], g[13], g[18], g[23] = '-', '-', '-', '-'
	return string(g[:])
}
