package roster

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"math"
)

// A digest computes [Roster.Digest] from rows.
type digest struct {
	hash hash.Hash
	buf  []byte // bytes that are not hashed yet
}

func newDigest() *digest { return &digest{hash: sha256.New()} }

// add adds the row read last, with its verdict and what it asks for. The length of each
// text comes before it, so that different rows never give the same bytes.
func (d *digest) add(rows *rows, v Verdict, want string) {
	d.buf = binary.AppendUvarint(d.buf, uint64(rows.start))
	d.buf = append(d.buf, byte(v))
	upn := rows.data[rows.upn.start:rows.upn.end]
	d.buf = append(binary.AppendUvarint(d.buf, uint64(len(upn))), upn...)
	d.buf = append(binary.AppendUvarint(d.buf, uint64(len(want))), want...)
	if len(d.buf) >= 4096 {
		d.hash.Write(d.buf)
		d.buf = d.buf[:0]
	}
}

func (d *digest) sum() string {
	d.hash.Write(d.buf)
	return hex.EncodeToString(d.hash.Sum(nil))
}

// sha256 returns the SHA-256 of the whole file, in hexadecimal.
func (s *source) sha256() (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(s.file, 0, math.MaxInt64)); err != nil {
		return "", &Error{Name: s.name, Err: cause(err)}
	}
	return hex.EncodeToString(h.Sum(nil)), s.changed()
}
