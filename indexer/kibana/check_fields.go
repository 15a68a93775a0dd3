package kibana

import (
	"strings"

	"armor/indexer/template"
)

// use of a field by a panel.
type use uint8

const (
	shown   use = iota // in a column of a table
	counted            // alerts are counted by it, or sorted
	overTime
)

// checkField finds fields that the index template does not map, or not in a way that the use needs.
func (c *checker) checkField(name string, u use) {
	kind := template.Type(name)
	switch {
	case kind == "":
		c.bad("field %s is not in the index template: a panel on it shows nothing", name)
	case u == overTime && kind != "date":
		c.bad("field %s is of type %s, and a time is wanted", name, kind)
	case u == counted && (kind == "text" || kind == "object"):
		c.bad("field %s is of type %s: alerts cannot be counted by it", name, kind)
	}
}

// queryFields are the fields that a query in Kibana's language names.
func queryFields(q string) []string {
	var names []string
	words, quoted := "", false
	for i := 0; i < len(q); i++ {
		switch b := q[i]; {
		case b == '\\' && i+1 < len(q):
			i++
			words += string(q[i])
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == ':' || (b == '<' || b == '>') && words != "":
			if fs := strings.Fields(words); len(fs) > 0 {
				names = append(names, fs[len(fs)-1])
			}
			words = ""
		case b == '(' || b == ')':
			words = ""
		default:
			words += string(b)
		}
	}
	return names
}

func (c *checker) checkQuery(q kibanaQuery) {
	if q.Language != "kuery" {
		c.bad("the query's language is %q, want kuery", q.Language)
	}
	if strings.Count(strings.ReplaceAll(q.Query, `\"`, ""), `"`)%2 != 0 || strings.Count(q.Query, "(") != strings.Count(q.Query, ")") {
		c.bad("the query %s is not closed", q.Query)
	}
	for _, name := range queryFields(q.Query) {
		c.checkField(name, shown)
	}
}

type kibanaQuery struct {
	Query    string `json:"query"`
	Language string `json:"language"`
}

// searchSource is the query and the filters of an object.
type searchSource struct {
	Query        kibanaQuery `json:"query"`
	IndexRefName string      `json:"indexRefName"`
	Filter       []struct {
		Meta struct {
			Index        string `json:"index"`
			IndexRefName string `json:"indexRefName"`
			Key          string `json:"key"`
			Negate       bool   `json:"negate"`
		} `json:"meta"`
		Query struct {
			Match map[string]string `json:"match_phrase"`
		} `json:"query"`
	} `json:"filter"`
}

// source reads the query and filters of an object and checks them.
func (c *checker) source(o Object) searchSource {
	var s searchSource
	meta, _ := o.Attributes["kibanaSavedObjectMeta"].(map[string]any)
	if !c.embedded(meta, "searchSourceJSON", &s) {
		return s
	}
	c.checkQuery(s.Query)
	for _, f := range s.Filter {
		if f.Meta.Index != "" {
			c.bad("a filter names the data view %s itself: it must be a reference", f.Meta.Index)
		}
		c.use(o, f.Meta.IndexRefName, typeDataView)
		if _, ok := f.Query.Match[f.Meta.Key]; !ok || len(f.Query.Match) != 1 {
			c.bad("the filter on %s asks for something else", f.Meta.Key)
		}
		c.checkField(f.Meta.Key, counted)
	}
	return s
}

func (c *checker) checkDataView(o Object) {
	if o.Attributes["title"] != template.Pattern {
		c.bad("the data view is over %v, and the alerts are in %s", o.Attributes["title"], template.Pattern)
	}
	name, _ := o.Attributes["timeFieldName"].(string)
	c.checkField(name, overTime)
	for _, name := range []string{"fieldAttrs", "fieldFormatMap", "fields", "runtimeFieldMap", "sourceFilters", "typeMeta"} {
		var v any
		c.embedded(o.Attributes, name, &v)
	}
}

func (c *checker) checkSearch(o Object) {
	c.use(o, c.source(o).IndexRefName, typeDataView)
	var form struct {
		Columns []string   `json:"columns"`
		Sort    [][]string `json:"sort"`
	}
	if !c.as("the list", o.Attributes, &form) {
		return
	}
	if len(form.Columns) == 0 {
		c.bad("no columns")
	}
	for _, name := range form.Columns {
		c.checkField(name, shown)
	}
	if len(form.Sort) == 0 {
		c.bad("not sorted")
	}
	for _, s := range form.Sort {
		if len(s) != 2 || s[1] != "desc" && s[1] != "asc" {
			c.bad("sort %v is not a field and a direction", s)
			continue
		}
		c.checkField(s[0], counted)
	}
}
