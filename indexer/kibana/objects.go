// Package kibana makes Kibana's saved objects out of the panels that the console shows too, checks them, and installs them:
// whatever it writes refers to nothing that is not in it and to no field that the index template does not map.
package kibana

import (
	"bytes"
	"encoding/json"
	"fmt"

	"armor/indexer/field"
	"armor/indexer/panels"
	"armor/indexer/query"
	"armor/indexer/template"
)

// Types of saved objects.
const (
	typeTag       = "tag"
	typeDataView  = "index-pattern"
	typeLens      = "lens"
	typeSearch    = "search"
	typeDashboard = "dashboard"
)

// authored is the version of Kibana whose forms the objects have. Every later one migrates them forward; none goes back.
const authored = "8.0.0"

// DefaultSpace is the space in which Kibana works when an address names none.
const DefaultSpace = "default"

type object = map[string]any

// Object is a saved object as Kibana imports it.
type Object struct {
	Attributes           object            `json:"attributes"`
	CoreMigrationVersion string            `json:"coreMigrationVersion"`
	ID                   string            `json:"id"`
	MigrationVersion     map[string]string `json:"migrationVersion"`
	References           []Reference       `json:"references"`
	Type                 string            `json:"type"`
}

// Title as shown in lists.
func (o Object) Title() string {
	if title, ok := o.Attributes["title"].(string); ok {
		return title
	}
	name, _ := o.Attributes["name"].(string)
	return name
}

// Reference names another object that an object needs.
type Reference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// naming gives the objects their ids. They are the same every time, so an import replaces what an earlier one made. An id is
// taken in all spaces once one has it, so in another space than the default one it ends with the space's name.
type naming struct{ space string }

func (n naming) id(name string) string {
	if n.space != "" && n.space != DefaultSpace {
		name += "-" + n.space
	}
	return name
}

func (n naming) tag() string                         { return n.id("armor-tag") }
func (n naming) dataView() string                    { return n.id("armor-alerts") }
func (n naming) panel(p panels.Panel) string         { return n.id("armor-panel-" + p.ID) }
func (n naming) dashboard(d panels.Dashboard) string { return n.id("armor-dashboard-" + d.ID) }

// Objects are the saved objects for a space, whatever one refers to before it: tag, data view, panels, dashboards. An empty
// space is the default one. An error means that a panel's definition has no form in Kibana.
func Objects(space string) ([]Object, error) {
	n := naming{space}
	out := []Object{n.tagObject(), n.dataViewObject()}
	for _, p := range panels.OfDashboards() {
		o, err := n.panelObject(p)
		if err != nil {
			return nil, fmt.Errorf("panel %q: %w", p.Title, err)
		}
		out = append(out, o)
	}
	for _, d := range panels.Dashboards() {
		o, err := n.dashboardObject(d)
		if err != nil {
			return nil, fmt.Errorf("dashboard %q: %w", d.Title, err)
		}
		out = append(out, o)
	}
	return out, nil
}

// Export is the file of the saved objects for a space: one JSON object a line. It is the same every time.
func Export(space string) ([]byte, error) {
	objects, err := Objects(space)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, o := range objects {
		if err := e.Encode(o); err != nil {
			return nil, fmt.Errorf("writing %s %s: %w", o.Type, o.ID, err)
		}
	}
	return b.Bytes(), nil
}

func (n naming) newObject(kind, id string, attributes object, references ...Reference) Object {
	if kind != typeTag && kind != typeDataView { // those cannot be tagged
		references = append(references, Reference{ID: n.tag(), Name: "tag-ref-" + n.tag(), Type: typeTag})
	}
	if references == nil {
		references = []Reference{}
	}
	return Object{
		Type: kind, ID: id, Attributes: attributes, References: references,
		CoreMigrationVersion: authored, MigrationVersion: map[string]string{kind: authored},
	}
}

func (n naming) tagObject() Object {
	return n.newObject(typeTag, n.tag(), object{"name": "Armor", "description": "Made by armor kibana setup", "color": "#1F77B4"})
}

func (n naming) dataViewObject() Object {
	return n.newObject(typeDataView, n.dataView(), object{
		"title": template.Pattern, "timeFieldName": field.Timestamp,
		"fieldAttrs": "{}", "fieldFormatMap": "{}", "fields": "[]", "runtimeFieldMap": "{}", "sourceFilters": "[]", "typeMeta": "{}",
	})
}

// toDataView is the reference to the data view under a name.
func (n naming) toDataView(name string) Reference {
	return Reference{ID: n.dataView(), Name: name, Type: typeDataView}
}

// panelObject is the saved object of a panel.
func (n naming) panelObject(p panels.Panel) (Object, error) {
	node, err := query.Parse(p.Query)
	if err != nil {
		return Object{}, err
	}
	q, err := kql(node)
	if err != nil {
		return Object{}, err
	}
	if p.Kind == panels.Table {
		return n.searchObject(p, q), nil
	}
	return n.lensObject(p, q)
}

// libraryTitle is how a panel is listed outside of dashboards, where other people's have titles too.
func libraryTitle(p panels.Panel) string { return p.Title + " [Armor]" }

// text is a value as JSON in a string: Kibana keeps some attributes so.
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // maps, lists, strings and numbers always encode
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func kuery(q string) object { return object{"query": q, "language": "kuery"} }
