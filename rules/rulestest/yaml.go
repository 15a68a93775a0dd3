package rulestest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"armor/rules"
)

// yamlReader reads Armor's form and collects what is wrong with it.
type yamlReader struct {
	file   string
	errs   []error
	events int // repetitions included
}

// maxMistakes bounds how much is said about one file.
const maxMistakes = 50

func (r *yamlReader) errorf(n *yaml.Node, format string, args ...any) {
	if len(r.errs) < maxMistakes {
		r.errs = append(r.errs, fmt.Errorf("%s:%d: %s", r.file, n.Line, fmt.Sprintf(format, args...)))
	}
}

// yamlLine takes the line out of the messages of the YAML parser.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// parseYAML reads Armor's form.
func parseYAML(name string, data []byte) ([]testCase, error) {
	data, err := decodeText(name, data)
	if err != nil {
		return nil, err
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s:1: the file is empty; it begins with \"tests:\"", name)
		}
		text, line := err.Error(), "1"
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			if m[1] != "" {
				line = m[1]
			}
		}
		return nil, fmt.Errorf("%s:%s: %s", name, line, text)
	}
	r := yamlReader{file: name}
	cases := r.document(doc.Content[0])
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		r.errs = append(r.errs, fmt.Errorf("%s: the file holds a second document behind \"---\"; keep all tests under one \"tests:\"", name))
	}
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return cases, nil
}

func (r *yamlReader) document(n *yaml.Node) []testCase {
	var cases []testCase
	names := map[string]int{}
	keys := r.mapping(n, "the file", "tests")
	tests, ok := keys["tests"]
	if !ok {
		if len(r.errs) == 0 {
			r.errorf(n, "there is no \"tests:\"")
		}
		return nil
	}
	for _, item := range r.sequence(tests, "tests") {
		c := r.test(item)
		if line, ok := names[c.name]; ok && c.name != "" {
			r.errorf(item, "test %q has the name of the test in line %d; give it another", c.name, line)
		}
		names[c.name] = item.Line
		cases = append(cases, c)
	}
	return cases
}

func (r *yamlReader) test(n *yaml.Node) testCase {
	c := testCase{line: n.Line}
	keys := r.mapping(n, "a test", "name", "time", "location", "agent", "events")
	if keys == nil {
		return c
	}
	if name, ok := keys["name"]; ok {
		c.name = r.text(name, "name")
	}
	if c.name == "" {
		r.errorf(n, "the test has no name; write \"name: what it is about\"")
	}
	c.title = c.name
	if at, ok := keys["time"]; ok {
		var err error
		if c.start, err = time.Parse(time.RFC3339Nano, r.text(at, "time")); err != nil {
			r.errorf(at, "time %q is no point in time; write it as 2026-11-23T02:40:00Z", cut(at.Value))
		}
	}
	base := rules.Event{Location: location}
	r.place(keys, &base)
	events, ok := keys["events"]
	if !ok {
		r.errorf(n, "the test has no events; write \"events:\" with a list")
		return c
	}
	items := r.sequence(events, "events")
	if len(items) == 0 {
		r.errorf(events, "the test has no events")
	}
	judged := false
	for i, item := range items {
		e := r.event(item, base)
		e.name = "event " + strconv.Itoa(i+1)
		judged = judged || len(e.checks) > 0
		c.events = append(c.events, e)
	}
	if !judged && len(r.errs) == 0 {
		r.errorf(n, "no event of the test has an \"expect\", so it would always pass; say what an event must end in")
	}
	return c
}

var agentID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// place reads what a test and an event have in common.
func (r *yamlReader) place(keys map[string]*yaml.Node, e *rules.Event) {
	if n, ok := keys["location"]; ok {
		e.Location = r.text(n, "location")
	}
	if n, ok := keys["agent"]; ok {
		id, name, _ := strings.Cut(r.text(n, "agent"), ":")
		if !agentID.MatchString(id) {
			r.errorf(n, "agent %q: an id has 1 to 64 letters, digits, _ or -; write ID or ID:NAME", cut(n.Value))
		}
		if name == "" {
			name = id
		}
		e.AgentID, e.AgentName = id, name
	}
}

func (r *yamlReader) event(n *yaml.Node, base rules.Event) event {
	e := event{line: n.Line, event: base, repeat: 1}
	keys := r.mapping(n, "an event", "log", "json", "cloudtrail", "after", "agent", "location", "repeat", "expect")
	if keys == nil {
		return e
	}
	r.place(keys, &e.event)
	forms := 0
	for _, key := range []string{"log", "json", "cloudtrail"} {
		if body, ok := keys[key]; ok {
			forms++
			e.event.Log = r.body(key, body)
		}
	}
	if forms != 1 {
		r.errorf(n, "an event has exactly one of log, json and cloudtrail; this one has %d", forms)
	}
	if after, ok := keys["after"]; ok {
		d, err := time.ParseDuration(r.text(after, "after"))
		if err != nil || d < 0 || d > 10*365*24*time.Hour {
			r.errorf(after, "after %q is no span of time; write 500ms, 10s, 5m or 24h", cut(after.Value))
		}
		e.after = max(d, 0)
	}
	if repeat, ok := keys["repeat"]; ok {
		e.repeat = r.number(repeat, "repeat", 1, maxEvents)
	}
	if r.events += e.repeat; r.events > maxEvents {
		r.errorf(n, "the file has more than %d events, repetitions included; split it", maxEvents)
		e.repeat, r.events = 1, 0
	}
	if expect, ok := keys["expect"]; ok {
		e.checks = r.expect(expect)
		e.wants = wants(expect)
	}
	return e
}

// body makes the line of an event.
func (r *yamlReader) body(key string, n *yaml.Node) string {
	if key == "log" {
		text := r.text(n, "log")
		if text == "" {
			r.errorf(n, "log is empty; write the line")
		}
		return text
	}
	line, err := jsonLine(n)
	if err == nil && line[0] != '{' {
		err = fmt.Errorf("%s must be a mapping", key)
	}
	if err != nil {
		r.errorf(n, "%s: %v", key, err)
		return ""
	}
	if key == "cloudtrail" {
		head := `{"integration":"aws","aws":{"log_info":{"aws_account_alias":"","log_file":"","s3bucket":""},"source":"cloudtrail"`
		if account, ok := scalarOf(n, "recipientAccountId"); ok {
			head += `,"aws_account_id":` + quoted(account)
		}
		if line != "{}" {
			head += ","
		}
		return head + line[1:] + "}"
	}
	return line
}
