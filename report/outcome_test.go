package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"rollcall/pipeline"
)

//go:embed summary.schema.json
var summarySchema []byte

// outcomes are outcomes of all kinds, with hostile text in them.
func outcomes() []*Outcome {
	var all []*Outcome
	for i, text := range hostile {
		o := &Outcome{Version: text, Command: []string{"audit", "apply", "undo"}[i%3], Tenant: text, Noun: text, Change: text, Roster: text, Results: text,
			Started: noon, Finished: noon.Add(1500 * time.Millisecond), Exit: []int{0, 1, 3, 4, 5, 6, 130, 143}[i%8],
			Ending: []string{Complete, Guarded, Interrupted, Errored, Running}[i%5], Reason: text}
		if i%2 == 0 {
			o.Calls, o.Retries, o.Throttled, o.Working = 20, 3, time.Minute, time.Second
			o.Rows = pipeline.Counts{Total: 10, Recorded: 2, Journalled: 1, InProgress: 1}
			o.Rows.ByStatus[pipeline.Failed], o.Rows.ByStatus[pipeline.Applied] = 1, 2
			o.PassedOver = map[string]int{"same": 4}
		}
		all = append(all, o)
	}
	return all
}

// Every summary is what its schema says, and the schema allows nothing else.
func TestSummaryFollowsItsSchema(t *testing.T) {
	// A schema that is out already must allow for names that are yet to come.
	strict := bytes.ReplaceAll(summarySchema, []byte(`"additionalProperties": true`), []byte(`"additionalProperties": false`))
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(strict))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("summary.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("summary.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes() {
		var b bytes.Buffer
		if err := o.JSON(&b); err != nil {
			t.Fatal(err)
		}
		got, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(got); err != nil {
			t.Errorf("%v", err)
		}
		members := got.(map[string]any)
		for name := range members {
			value := members[name]
			delete(members, name)
			if schema.Validate(got) == nil {
				t.Errorf("may be without %s", name)
			}
			members[name] = value
		}
		members["other"] = 1
		if schema.Validate(got) == nil {
			t.Error("may have what the schema does not know")
		}
	}
}

// Rows that are not recorded were attempted or not.
func TestSummaryCounts(t *testing.T) {
	o := outcomes()[0]
	var b bytes.Buffer
	if err := o.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Started, Finished string
		Seconds           float64
		Rows              struct {
			Total, Recorded, Failed int
			InProgress              int            `json:"in_progress"`
			NotAttempted            int            `json:"not_attempted"`
			ByStatus                map[string]int `json:"by_status"`
		}
		Calls struct {
			PerSecond float64 `json:"per_second"`
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if r := got.Rows; r.Recorded+r.InProgress+r.NotAttempted != r.Total || r.Failed != 1 || r.ByStatus["failed"] != 1 || len(r.ByStatus) != len(pipeline.Statuses) {
		t.Errorf("rows %+v", r)
	}
	if got.Started != "2026-11-22T12:00:00.000Z" || got.Seconds != 1.5 || got.Calls.PerSecond != 20 {
		t.Errorf("got %+v", got)
	}
}

// The metrics read back with Prometheus's own parser as they were meant, whatever
// the labels hold, and keep to the rules for names.
func TestMetrics(t *testing.T) {
	for _, o := range outcomes() {
		var b bytes.Buffer
		if err := Metrics(&b, o); err != nil {
			t.Fatal(err)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		for name, f := range families {
			lint(t, name, f.GetHelp())
			for _, m := range f.GetMetric() {
				labels := make(map[string]string)
				for _, l := range m.GetLabel() {
					labels[l.GetName()] = l.GetValue()
				}
				if want := strings.ToValidUTF8(o.Tenant, "\ufffd"); labels["tenant"] != want || labels["command"] != o.Command || labels["noun"] != want {
					t.Errorf("%s: labels %q, want %q", name, labels, want)
				}
				if m.GetGauge() == nil || m.TimestampMs != nil || math.IsNaN(m.GetGauge().GetValue()) {
					t.Errorf("%s: %v: want a gauge without a time", name, m)
				}
				if name == "rollcall_rows" {
					status, err := pipeline.ParseStatus(labels["status"])
					if err != nil || m.GetGauge().GetValue() != float64(o.Rows.ByStatus[status]) {
						t.Errorf("%v: want %d", m, o.Rows.ByStatus[status])
					}
				}
			}
		}
		if n := len(families["rollcall_rows"].GetMetric()); n != len(pipeline.Statuses) {
			t.Errorf("%d statuses", n)
		}
		if got := families["rollcall_last_start_timestamp_seconds"].GetMetric()[0].GetGauge().GetValue(); got != float64(noon.UnixMilli())/1000 {
			t.Errorf("began at %v", got)
		}
	}
}

// lint is what promtool check metrics would say of a gauge.
func lint(t *testing.T, name, help string) {
	t.Helper()
	if help == "" {
		t.Errorf("%s: no help", name)
	}
	if !regexp.MustCompile(`^rollcall(_[a-z]+)+$`).MatchString(name) {
		t.Errorf("%s: not in snake case", name)
	}
	if regexp.MustCompile(`_(total|count|sum|bucket|info)$|gauge|counter|_(ms|minutes|hours|milliseconds|sec|s)(_|$)`).MatchString(name) {
		t.Errorf("%s: a name for something else", name)
	}
}

// What is told to others has counts, and neither users nor names of files.
func TestTextNamesNobody(t *testing.T) {
	o := &Outcome{Command: "apply", Tenant: "SECRET", Noun: "SECRET", Change: "SECRET", Roster: "SECRET", Results: "SECRET", Reason: "SECRET",
		Ending: Errored, Exit: 1, Calls: 1, Working: time.Second, Rows: pipeline.Counts{Total: 3, Recorded: 1}}
	o.Rows.ByStatus[pipeline.Failed] = 1
	want := "rollcall apply: error, exit status 1\n1 row: 1 failed\n2 rows not attempted\n1 call in 1s; 0 retries, throttled for 0s\n"
	if got := OutcomeText(o); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
