// Package report is what a run of the benchmarks found, as one table, as data and as a picture. It promises that a goal stands
// beside each figure that has one.
package report

import (
	"fmt"
	"time"

	"armor/services/armor/bench"
	"armor/test/bench/endtoend"
	"armor/test/bench/engine"
)

// Report is a run. Each figure is the median of its runs.
type Report struct {
	Began       time.Time `json:"began"`
	TookSeconds float64   `json:"took_seconds"`
	Runs        int       `json:"runs"`
	Machine     Machine   `json:"machine"`
	// Left says what was not measured, and why.
	Left []string `json:"left_out,omitempty"`

	Engine    []Engine            `json:"engine,omitempty"`
	Growth    []Growth            `json:"engine_by_rules,omitempty"`
	Sustained *endtoend.Sustained `json:"sustained,omitempty"`
	Steady    *endtoend.Steady    `json:"steady,omitempty"`
	Buckets   []endtoend.Bucket   `json:"buckets,omitempty"`
	Streams   []endtoend.Streams  `json:"streams,omitempty"`
}

// Engine is what the engine does with a corpus.
type Engine struct {
	Corpus      string `json:"corpus"`
	About       string `json:"about"`
	Lines       int    `json:"lines"`
	MedianBytes int    `json:"median_bytes"`
	// Ruleset it was measured with: own, reference, or a path.
	Ruleset string `json:"ruleset"`
	// Modes in the order in which they were asked for.
	Modes []Mode `json:"modes"`
}

// Mode is one way of working, and what came of it.
type Mode struct {
	engine.Mode
	Result bench.EngineResult `json:"result"`
}

// Growth is the engine with a number of rules.
type Growth struct {
	Rules  int                `json:"rules"`
	Corpus string             `json:"corpus"`
	Result bench.EngineResult `json:"result"`
}

// mode finds a way of working; nil: it was not measured.
func (e *Engine) mode(m engine.Mode) *bench.EngineResult {
	for i := range e.Modes {
		if e.Modes[i].Mode == m {
			return &e.Modes[i].Result
		}
	}
	return nil
}

// goals of a corpus, in events per CPU second with one worker; reference is what the reference engine does, on another
// machine of the same kind.
type goals struct{ goal, reference float64 }

var byCorpus = map[string]goals{
	"syslog": {216_000, 21_600}, "ini": {159_000, 15_900}, "mixed": {206_000, 20_600},
}

// Goals that do not go by the corpus.
const (
	goalCloudTrail      = 60_000 // events per CPU second
	goalWorkers         = 1.7    // times one worker
	goalDocuments       = 0.5    // of the figure without
	goalAllocations     = 5.0    // per event
	goalEnginePeak      = 200.0  // MiB
	goalSustained       = 100_000
	goalAgentLines      = 100_000
	goalBucket          = 20_000 // records per second
	goalAgentPeak       = 40.0   // MiB
	goalP99             = 50.0   // ms
	goalIdlePercent     = 0.5
	referenceName       = "reference"
	mebibyte            = 1 << 20
	millionthsOfASecond = 1e6
)

// Row is a figure with what belongs beside it; empty: nothing does.
type Row struct {
	// Group that it belongs to; the row says only that when it has no figure.
	Group                                string
	What, Figure, Plain, Reference, Goal string
	// Missed: there is a goal, and the figure does not reach it.
	Missed bool
}

// Rows are all figures.
func (r *Report) Rows() []Row {
	var rows []Row
	for i := range r.Engine {
		rows = append(rows, r.Engine[i].rows()...)
	}
	rows = append(rows, r.endToEnd()...)
	for _, g := range r.Growth {
		rows = append(rows, Row{
			Group: "Engine as rules grow, one worker", What: fmt.Sprintf("%s rules, corpus %s: events per CPU second", number(float64(g.Rules)), g.Corpus),
			Figure: number(g.Result.EventsPerCPU),
		})
	}
	for _, s := range r.Streams {
		group := fmt.Sprintf("Manager as agents grow, %s events in all", number(float64(s.Events)))
		what := number(float64(s.Streams)) + " agents: "
		rows = append(rows,
			Row{Group: group, What: what + "events per CPU second of the manager", Figure: number(s.ManagerEventsPerCPU)},
			Row{Group: group, What: what + "events per second", Figure: number(s.EventsPerSecond)},
			Row{Group: group, What: what + "peak memory of the manager, MiB", Figure: mib(s.Usage.Manager.PeakMemory)})
	}
	return rows
}

func (e *Engine) rows() []Row {
	with := "Armor's ruleset"
	switch e.Ruleset {
	case "own":
	case referenceName:
		with = "the reference's ruleset"
	default:
		with = e.Ruleset
	}
	group := fmt.Sprintf("Engine, corpus %s (%s lines of %d bytes, median; %s), %s", e.Corpus, number(float64(e.Lines)), e.MedianBytes, e.About, with)
	one := e.mode(engine.Mode{Workers: 1})
	if one == nil {
		return nil
	}
	var g goals
	if e.Ruleset == referenceName {
		g = byCorpus[e.Corpus]
	} else if e.Corpus == "cloudtrail" {
		g.goal = goalCloudTrail
	}
	first := atLeast(Row{Group: group, What: "events per CPU second", Figure: number(one.EventsPerCPU)}, one.EventsPerCPU, g.goal)
	if g.reference > 0 {
		first.Reference = number(g.reference)
	}
	if plain := e.mode(engine.Mode{Workers: 1, Plain: true}); plain != nil {
		first.Plain = number(plain.EventsPerCPU)
	}
	rows := []Row{first}
	if json := e.mode(engine.Mode{Workers: 1, Documents: true}); json != nil {
		rows = append(rows, atLeast(Row{Group: group, What: "the same, alert documents made", Figure: number(json.EventsPerCPU)}, json.EventsPerCPU, g.goal*goalDocuments))
	}
	if two := e.mode(engine.Mode{Workers: 2}); two != nil {
		rows = append(rows, atLeast(Row{Group: group, What: "events per second, two workers", Figure: number(two.EventsPerSecond)}, two.EventsPerSecond, one.EventsPerSecond*goalWorkers))
	}
	return append(rows,
		atMost(Row{Group: group, What: "allocations per event", Figure: fmt.Sprintf("%.1f", one.AllocsPerEvent)}, one.AllocsPerEvent, goalAllocations),
		atMost(Row{Group: group, What: "peak memory, MiB", Figure: mib(one.PeakRSSBytes)}, float64(one.PeakRSSBytes)/mebibyte, goalEnginePeak))
}

func (r *Report) endToEnd() (rows []Row) {
	if s := r.Sustained; s != nil {
		group := fmt.Sprintf("Log file to alert on NATS, %s lines, every tenth raises an alert", number(float64(s.Events)))
		each := func(use endtoend.Use) string { return fmt.Sprintf("%.2f", micros(use, s.Events)) }
		rows = append(rows,
			atLeast(Row{Group: group, What: "events per second", Figure: number(s.EventsPerSecond)}, s.EventsPerSecond, goalSustained),
			Row{Group: group, What: "events per CPU second, all processes", Figure: number(s.EventsPerCPU)},
			Row{Group: group, What: "CPU per event, microseconds: agent", Figure: each(s.Usage.Agent)},
			Row{Group: group, What: "CPU per event, microseconds: manager", Figure: each(s.Usage.Manager)},
			Row{Group: group, What: "CPU per event, microseconds: nats-server", Figure: each(s.Usage.NATS)},
			atLeast(Row{Group: group, What: "agent: lines from file to receipt per CPU second", Figure: number(s.AgentLinesPerCPU)}, s.AgentLinesPerCPU, goalAgentLines),
			atMost(Row{Group: group, What: "agent: peak memory, MiB", Figure: mib(s.Usage.Agent.PeakMemory)}, float64(s.Usage.Agent.PeakMemory)/mebibyte, goalAgentPeak),
			Row{Group: group, What: "manager: peak memory, MiB", Figure: mib(s.Usage.Manager.PeakMemory)},
			Row{Group: group, What: "nats-server: peak memory, MiB", Figure: mib(s.Usage.NATS.PeakMemory)})
	}
	if s := r.Steady; s != nil {
		group := fmt.Sprintf("Line written to alert on NATS, at %s lines a second, milliseconds", number(float64(s.Rate)))
		l := s.Latency
		rows = append(rows,
			Row{Group: group, What: "half of the alerts within", Figure: fmt.Sprintf("%.1f", l.P50)},
			atMost(Row{Group: group, What: "99 % within", Figure: fmt.Sprintf("%.1f", l.P99)}, l.P99, goalP99),
			Row{Group: group, What: "99.9 % within", Figure: fmt.Sprintf("%.1f", l.P999)},
			Row{Group: group, What: "the slowest", Figure: fmt.Sprintf("%.1f", l.Max)})
		if s.Idle.Seconds > 0 {
			group = fmt.Sprintf("At rest for %.0f seconds, %% of one CPU", s.Idle.Seconds)
			percent := func(part float64) string { return fmt.Sprintf("%.2f", part*100) }
			rows = append(rows,
				atMost(Row{Group: group, What: "agent", Figure: percent(s.Idle.Agent)}, s.Idle.Agent*100, goalIdlePercent),
				Row{Group: group, What: "manager", Figure: percent(s.Idle.Manager)},
				Row{Group: group, What: "nats-server", Figure: percent(s.Idle.NATS)})
		}
	}
	for _, s := range r.Buckets {
		group := fmt.Sprintf("CloudTrail from a bucket on this machine to receipt, %s records, %s alerts", number(float64(s.Records)), number(float64(s.Alerts)))
		each := func(use endtoend.Use) string { return fmt.Sprintf("%.1f", micros(use, s.Records)) }
		rows = append(rows,
			atLeast(Row{Group: group, What: "records per second", Figure: number(s.RecordsPerSecond)}, s.RecordsPerSecond, goalBucket),
			Row{Group: group, What: "CPU per record, microseconds: agent", Figure: each(s.Usage.Agent)},
			Row{Group: group, What: "CPU per record, microseconds: manager", Figure: each(s.Usage.Manager)},
			Row{Group: group, What: "CPU per record, microseconds: nats-server", Figure: each(s.Usage.NATS)},
			Row{Group: group, What: "CPU per record, microseconds: the S3 server (moto)", Figure: each(s.Usage.S3)},
			Row{Group: group, What: "agent: peak memory, MiB", Figure: mib(s.Usage.Agent.PeakMemory)})
	}
	return rows
}

// atLeast puts a goal into a row; 0: there is none.
func atLeast(row Row, figure, goal float64) Row {
	if goal > 0 {
		row.Goal, row.Missed = number(goal), figure < goal
	}
	return row
}

// atMost puts a bound into a row.
func atMost(row Row, figure, bound float64) Row {
	row.Goal, row.Missed = fmt.Sprintf("< %g", bound), figure >= bound
	return row
}

func mib(bytes int64) string { return fmt.Sprintf("%.0f", float64(bytes)/mebibyte) }

// number has a comma between thousands.
func number(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
