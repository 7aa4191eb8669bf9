package queue

import "errors"

// IsTaken reports whether err says that there is a fleet already of the ID that one was
// submitted with.
func IsTaken(err error) bool { return errors.Is(err, errExists) }
