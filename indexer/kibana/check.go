package kibana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is something that is wrong with a file of saved objects: Kibana would refuse it, or, worse, take it and show an
// empty panel.
type Problem struct {
	// Line of the file, from 1; 0: the file as a whole.
	Line int
	// Subject is the object's type and id.
	Subject string
	// Message says what is wrong.
	Message string
}

// String is the problem in one line.
func (p Problem) String() string {
	switch {
	case p.Line == 0:
		return p.Message
	case p.Subject == "":
		return fmt.Sprintf("line %d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", p.Line, p.Subject, p.Message)
}

// checker looks at the objects of one file.
type checker struct {
	problems []Problem
	line     int
	subject  string
	objects  []Object
	lines    []int // of the objects
	present  map[string]bool
	used     map[string]bool // names of references that the object at hand uses
}

func (c *checker) bad(format string, args ...any) {
	c.problems = append(c.problems, Problem{c.line, c.subject, fmt.Sprintf(format, args...)})
}

// Check reads a file of saved objects, and gives everything that is wrong with it: lines that are not one object each,
// repeated ids, versions that an older Kibana 8 does not know, JSON in strings that does not parse, references that lead
// nowhere or that nothing uses, fields that the index template does not map or by which nothing can be counted, panels that
// overlap, and times that would be out of date tomorrow. None: Kibana 8 imports it, and every panel has its field.
func Check(file []byte) []Problem {
	c := &checker{present: map[string]bool{}}
	c.read(file)
	for i, o := range c.objects {
		c.line, c.subject, c.used = c.lines[i], o.Type+" "+o.ID, map[string]bool{}
		c.checkVersions(o)
		switch o.Type {
		case typeDataView:
			c.checkDataView(o)
		case typeLens:
			c.checkLens(o)
		case typeSearch:
			c.checkSearch(o)
		case typeDashboard:
			c.checkDashboard(o)
		}
		c.checkReferences(o)
		c.checkTimes(o)
	}
	return c.problems
}

// known are the types of the objects.
var known = []string{typeTag, typeDataView, typeLens, typeSearch, typeDashboard}

var stableID = regexp.MustCompile(`^armor-[a-z0-9_-]+$`)

// read takes the file apart.
func (c *checker) read(file []byte) {
	if len(file) == 0 || file[len(file)-1] != '\n' {
		c.bad("the file does not end with a line end")
	}
	for n, line := range bytes.Split(bytes.TrimSuffix(file, []byte("\n")), []byte("\n")) {
		c.line, c.subject = n+1, ""
		var raw map[string]json.RawMessage
		var o Object
		if err := json.Unmarshal(line, &raw); err != nil || raw == nil {
			c.bad("not one JSON object: %v", err)
			continue
		}
		if err := json.Unmarshal(line, &o); err != nil {
			c.bad("not a saved object: %v", err)
			continue
		}
		c.subject = o.Type + " " + o.ID
		for name := range raw {
			switch name {
			case "attributes", "coreMigrationVersion", "id", "migrationVersion", "references", "type":
			case "typeMigrationVersion":
				c.bad("typeMigrationVersion is unknown before Kibana 8.8: use migrationVersion")
			default:
				c.bad("%s belongs to the Kibana that an object was exported from", name)
			}
		}
		key := o.Type + " " + o.ID
		switch {
		case !slices.Contains(known, o.Type):
			c.bad("type %q is none of %s", o.Type, strings.Join(known, ", "))
			continue
		case !stableID.MatchString(o.ID):
			c.bad("id %q is not one of Armor's: armor- and small letters, digits, - and _", o.ID)
		case c.present[key]:
			c.bad("the id is there twice")
		}
		if o.Title() == "" {
			c.bad("no title")
		}
		c.present[key] = true
		c.objects, c.lines = append(c.objects, o), append(c.lines, n+1)
	}
}

func (c *checker) checkVersions(o Object) {
	if o.CoreMigrationVersion != authored {
		c.bad("coreMigrationVersion is %q, want %s: a later one is refused by earlier Kibanas", o.CoreMigrationVersion, authored)
	}
	if len(o.MigrationVersion) != 1 || o.MigrationVersion[o.Type] != authored {
		c.bad("migrationVersion is %v, want %s of %s", o.MigrationVersion, o.Type, authored)
	}
}

// use marks the name of a reference as used, and tells whether it is there with the type.
func (c *checker) use(o Object, name, kind string) {
	c.used[name] = true
	for _, r := range o.References {
		if r.Name == name {
			if r.Type != kind {
				c.bad("reference %s is a %s, want a %s", name, r.Type, kind)
			}
			return
		}
	}
	c.bad("there is no reference %s", name)
}

func (c *checker) checkReferences(o Object) {
	seen := map[string]bool{}
	for _, r := range o.References {
		if seen[r.Name] {
			c.bad("reference %s is there twice", r.Name)
		}
		seen[r.Name] = true
		if !c.present[r.Type+" "+r.ID] {
			c.bad("reference %s leads to %s %s, which is not in the file", r.Name, r.Type, r.ID)
		}
		if !c.used[r.Name] && r.Name != "tag-ref-"+r.ID {
			c.bad("reference %s is used by nothing", r.Name)
		}
	}
}

// absolute finds a date, wherever it stands.
var absolute = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}`)

func (c *checker) checkTimes(o Object) {
	body := text(o.Attributes)
	if at := absolute.FindString(body); at != "" {
		c.bad("an absolute time: %s", at)
	}
	for _, name := range []string{"timeFrom", "timeTo"} {
		if v, ok := o.Attributes[name].(string); ok && !strings.HasPrefix(v, "now") {
			c.bad("%s is %q, which is not relative to now", name, v)
		}
	}
}

// embedded reads an attribute that is JSON in a string.
func (c *checker) embedded(from map[string]any, name string, into any) bool {
	s, ok := from[name].(string)
	if !ok {
		c.bad("%s is not JSON in a string", name)
		return false
	}
	if err := json.Unmarshal([]byte(s), into); err != nil {
		c.bad("%s does not parse: %v", name, err)
		return false
	}
	return true
}

// as reads a part of the attributes into a form.
func (c *checker) as(name string, from, into any) bool {
	if err := json.Unmarshal([]byte(text(from)), into); err != nil {
		c.bad("%s has another form: %v", name, err)
		return false
	}
	return true
}
