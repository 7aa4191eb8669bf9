package queue

import (
	"context"
	"time"
)

// A Schedule submits a fleet again and again.
type Schedule struct {
	Name       string    `json:"name"`
	Cron       string    `json:"cron"` // five fields, as of crontab
	TimeZone   string    `json:"time_zone"`
	By         string    `json:"by"`
	Paused     bool      `json:"paused,omitempty"`
	Next       time.Time `json:"next"`
	Last       time.Time `json:"last"`
	LastResult string    `json:"last_result,omitempty"`
	Fleet      Fleet     `json:"fleet"`
}

// AddSchedule adds a schedule for a fleet and its jobs, or replaces the one of its name.
func (q *Queue) AddSchedule(ctx context.Context, s Schedule, jobs []Job) error { return errSkeleton }

// Schedules returns all schedules by name.
func (q *Queue) Schedules(ctx context.Context) ([]Schedule, error) { return nil, errSkeleton }

// PauseSchedule pauses a schedule, or has it go on.
func (q *Queue) PauseSchedule(ctx context.Context, name string, paused bool) error {
	return errSkeleton
}

// RemoveSchedule removes a schedule.
func (q *Queue) RemoveSchedule(ctx context.Context, name string) error { return errSkeleton }

// fire submits the fleets of schedules when their time has come, until ctx ends.
func (q *Queue) fire(ctx context.Context) {}
