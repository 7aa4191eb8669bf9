package queue

import "errors"

// Ready returns nil if the client has its server, or why not.
func (q *Queue) Ready() error {
	if q.conn == nil || !q.conn.IsConnected() {
		return errors.New("not connected to the fleet server")
	}
	return nil
}
