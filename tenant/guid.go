package tenant

import "github.com/google/uuid"

// IsGUID reports whether s is written as the IDs of Microsoft 365 are: 32
// hexadecimal digits with four hyphens.
func IsGUID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil // which takes other forms, too
}

// NewGUID returns a random one.
func NewGUID() string { return uuid.NewString() }
