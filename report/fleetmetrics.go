package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// FleetServerStats are the numbers of a fleet server at one moment.
type FleetServerStats struct {
	Ready, Leader      bool
	Connections, Peers int
	Messages, Bytes    int64 // in the store
	In, Out, Slow      int64 // since the start
	Fleets             []*FleetStatus
}

// FleetServerMetrics writes s in Prometheus's text format. It has nothing of users, and
// no names of tenants.
func FleetServerMetrics(w io.Writer, s *FleetServerStats) error {
	var m metrics
	m.gauge("ready", "1 if the server can take and give jobs.", flag(s.Ready))
	m.gauge("leader", "1 if this node leads its cluster, or is the only one.", flag(s.Leader))
	m.gauge("connections", "Clients that are connected to this node.", float64(s.Connections))
	m.gauge("peers", "Nodes that this one is connected to.", float64(s.Peers))
	m.gauge("store_messages", "Messages in the store of this node.", float64(s.Messages))
	m.gauge("store_bytes", "Bytes of the store of this node on the disk.", float64(s.Bytes))
	m.counter("messages_received_total", "Messages from clients since the start.", float64(s.In))
	m.counter("messages_sent_total", "Messages to clients since the start.", float64(s.Out))
	m.counter("slow_clients_total", "Clients that were cut off because they read too slowly, since the start.", float64(s.Slow))
	tenants := map[string]int{FleetWaiting: 0, FleetRunning: 0, FleetPaused: 0, FleetLost: 0}
	open, failed, rows, recorded := 0, 0, 0, 0
	for _, f := range s.Fleets {
		tenants[FleetLost] += f.Count[FleetLost]
		if f.Ended() {
			continue
		}
		open++
		rows += f.Rows.Total
		recorded += f.Rows.Recorded
		failed += f.Rows.Failed
		for _, t := range f.Tenants {
			if _, ok := tenants[t.State]; ok && t.State != FleetLost {
				tenants[t.State]++
			}
		}
	}
	m.gauge("fleets", "Fleets that are not at their end.", float64(open))
	m.family("tenants", "gauge", "Tenants of these fleets that are not at their end, by state; and those of any fleet that are lost.")
	for _, state := range slices.Sorted(maps.Keys(tenants)) {
		m.value("tenants", fmt.Sprintf(`{state="%s"}`, label(state)), float64(tenants[state]))
	}
	m.gauge("rows", "Rows of the rosters of these fleets.", float64(rows))
	m.gauge("recorded_rows", "Rows of these fleets that have a result, as the workers said last.", float64(recorded))
	m.gauge("failed_rows", "Rows of these fleets whose result counts as failed.", float64(failed))
	return m.writeTo(w)
}

// FleetWorkerStats are the numbers of a worker at one moment.
type FleetWorkerStats struct {
	Connected, Draining bool
	Slots, Running      int
	Recorded, Failed    int64          // rows, since the start
	Ended               map[string]int // jobs since the start, by outcome
}

// FleetWorkerMetrics writes s in Prometheus's text format.
func FleetWorkerMetrics(w io.Writer, s *FleetWorkerStats) error {
	var m metrics
	m.gauge("connected", "1 if the worker is connected to its server.", flag(s.Connected))
	m.gauge("draining", "1 if the worker takes no further job.", flag(s.Draining))
	m.gauge("slots", "How many tenants the worker can work on at once.", float64(s.Slots))
	m.gauge("running", "Tenants that the worker works on.", float64(s.Running))
	m.family("jobs_ended_total", "counter", "Jobs that came to an end here since the start, by outcome.")
	for _, outcome := range slices.Sorted(maps.Keys(s.Ended)) {
		m.value("jobs_ended_total", fmt.Sprintf(`{outcome="%s"}`, label(outcome)), float64(s.Ended[outcome]))
	}
	m.counter("recorded_rows_total", "Rows that got a result here since the start.", float64(s.Recorded))
	m.counter("failed_rows_total", "Rows whose result counts as failed since the start.", float64(s.Failed))
	return m.writeTo(w)
}

// metrics collects metrics of the command line's fleet commands.
type metrics struct{ b strings.Builder }

func (m *metrics) family(name, kind, help string) {
	fmt.Fprintf(&m.b, "# HELP rollcall_fleet_%s %s\n# TYPE rollcall_fleet_%[1]s %[3]s\n", name, help, kind)
}

func (m *metrics) value(name, labels string, value float64) {
	fmt.Fprintf(&m.b, "rollcall_fleet_%s%s %s\n", name, labels, number(value))
}

func (m *metrics) gauge(name, help string, value float64) {
	m.family(name, "gauge", help)
	m.value(name, "", value)
}

func (m *metrics) counter(name, help string, value float64) {
	m.family(name, "counter", help)
	m.value(name, "", value)
}

func (m *metrics) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, m.b.String())
	return err
}

func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
