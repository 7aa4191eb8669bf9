package queue

import (
	"encoding/json"
	"time"
)

// A Flag is the value of a flag of a job, by its long name.
type Flag struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
	List   bool     `json:"list,omitempty"`
}

// A File is a file that a job needs; it is in the store as RosterName says.
type File struct {
	Name   string `json:"name"` // without a directory
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// A Job is one tenant of a fleet. It holds names, never a credential.
type Job struct {
	Fleet        string `json:"fleet"` // ID
	Tenant       string `json:"tenant"`
	Key          string `json:"key"`   // of the tenant and noun that it writes to
	Holds        string `json:"holds"` // what Key stands for, for people
	Run          string `json:"run"`   // audit, apply or undo
	Profile      string `json:"profile,omitempty"`
	Index        int    `json:"index"` // order in the fleet
	Flags        []Flag `json:"flags,omitempty"`
	Roster       string `json:"roster"` // as the fleet file names it, for people
	RosterSHA256 string `json:"roster_sha256"`
	Files        []File `json:"files,omitempty"` // the roster, then what stands beside it
	Rows         int    `json:"rows"`
	Change       string `json:"change,omitempty"` // these three for people
	Target       string `json:"target,omitempty"`
	Noun         string `json:"noun,omitempty"`
	Real         bool   `json:"real,omitempty"`
}

// A Fleet is many jobs that are worked on as one.
type Fleet struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Run       string        `json:"run"`
	By        string        `json:"by"`
	Note      string        `json:"note,omitempty"`
	Parallel  int           `json:"parallel"`
	Takeover  time.Duration `json:"takeover"`
	MaxFailed string        `json:"max_failed,omitempty"`
	Submitted time.Time     `json:"submitted"`          // as the server saw it
	Schedule  string        `json:"schedule,omitempty"` // that it is a firing of
	Tenants   int           `json:"tenants"`
	Accepted  bool          `json:"accepted"`
	Control
}

// Control is what people want of a fleet.
type Control struct {
	Paused           bool     `json:"paused,omitempty"`
	Cancelled        bool     `json:"cancelled,omitempty"`
	PausedTenants    []string `json:"paused_tenants,omitempty"`
	CancelledTenants []string `json:"cancelled_tenants,omitempty"`
	Stopped          string   `json:"stopped,omitempty"` // why it was stopped: too many failed tenants
}

// The states of a tenant of a fleet.
const (
	Waiting = "waiting"
	Running = "running"
	Paused  = "paused"
	Ended   = "ended"
	Lost    = "lost" // it has neither a job nor an outcome
)

// A TenantState is how far a tenant of a fleet is.
type TenantState struct {
	Job
	State      string
	Worker     string        // that has it
	Silent     time.Duration // of one that runs: how long nothing was heard of the worker; 0 if not known
	Epoch      uint64
	Progress   json.RawMessage // as the worker said last
	Outcome    json.RawMessage // as Lease.Done was told
	Since      time.Time       // of the state
	Ending     string          // of one that waits: StopCancelled or StopFleet if a worker is to end it, with what its log has
	Rejections []string        // by workers that can't do the job, and why
}

// A FleetState is how far a fleet is.
type FleetState struct {
	Fleet
	Jobs []TenantState // in the order of the fleet
}
