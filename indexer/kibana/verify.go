package kibana

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"armor/indexer/field"
	"armor/indexer/panels"
	"armor/indexer/template"
)

// State of an object in Kibana.
type State string

const (
	// Sound: it is there, as setup made it.
	Sound State = "ok"
	// Missing: it is not there.
	Missing State = "missing"
	// Changed: it is there, and lacks something that setup made.
	Changed State = "changed"
	// Unknown: Kibana does not tell.
	Unknown State = "unknown"
)

// Finding is what was found of one thing that setup makes.
type Finding struct {
	// Subject is the type and title of an object.
	Subject string `json:"subject"`
	// ID of the object.
	ID string `json:"id"`
	// State it is in.
	State State `json:"state"`
	// Detail says more; empty: there is no more to say.
	Detail string `json:"detail,omitempty"`
	// Object tells that it is a saved object, and no property of several.
	Object bool `json:"-"`
}

// Verify looks whether the objects of the space are in Kibana, whether the dashboards still have their panels, and whether
// the data view knows each panel's field as one to count by. A finding each; the error is for what could not be asked.
func (c *Client) Verify(ctx context.Context) ([]Finding, error) {
	objects, err := Objects(c.cfg.Space)
	if err != nil {
		return nil, err
	}
	there, err := c.exported(ctx, objects)
	if err != nil {
		return nil, err
	}
	findings := make([]Finding, 0, len(objects)+1)
	for _, o := range objects {
		f := Finding{Subject: subject(o), ID: o.ID, State: Sound, Object: true}
		if found, ok := there[o.Type+" "+o.ID]; !ok {
			f.State, f.Detail = Missing, "run armor kibana setup"
		} else if detail := differs(o, found); detail != "" {
			f.State, f.Detail = Changed, detail
		}
		findings = append(findings, f)
	}
	if _, ok := there[typeDataView+" "+objects[1].ID]; ok {
		fields, err := c.verifyFields(ctx, objects[1].ID)
		if err != nil {
			return nil, err
		}
		findings = append(findings, fields)
	}
	return findings, nil
}

// subject names an object for a person.
func subject(o Object) string {
	name := map[string]string{typeDataView: "data view", typeLens: "panel", typeSearch: "list"}[o.Type]
	if name == "" {
		name = o.Type
	}
	return name + " " + strings.TrimSuffix(o.Title(), " [Armor]")
}

// exported asks Kibana for objects, by type and id. An export of several fails when one is not there: it is then repeated
// without those that Kibana names.
func (c *Client) exported(ctx context.Context, objects []Object) (map[string]Object, error) {
	for len(objects) > 0 {
		answer, err := c.export(ctx, objects)
		var refused *AnswerError
		if !errors.As(err, &refused) || len(refused.objects) == 0 {
			return answer, err
		}
		missing := map[string]bool{}
		for _, f := range refused.objects {
			if f.Error.Status != http.StatusNotFound {
				refused.Message += fmt.Sprintf(", %s %s: %s", f.Type, f.ID, oneLine(f.Error.Message))
				if f.Error.Status == http.StatusForbidden {
					refused.Remedy = c.rights(refused.Request, "")
				}
				return nil, fmt.Errorf("looking for the dashboards: %w", refused)
			}
			missing[f.Type+" "+f.ID] = true
		}
		rest := slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return missing[o.Type+" "+o.ID] })
		if len(rest) == len(objects) {
			return nil, err
		}
		objects = rest
	}
	return map[string]Object{}, nil
}

// export asks Kibana for objects, all of which must be there.
func (c *Client) export(ctx context.Context, objects []Object) (map[string]Object, error) {
	type id struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	}
	ids := make([]id, 0, len(objects))
	for _, o := range objects {
		ids = append(ids, id{o.Type, o.ID})
	}
	body := text(object{"objects": ids, "excludeExportDetails": true, "includeReferencesDeep": false})
	var answer []byte
	err := c.retry(ctx, func() (err error) {
		answer, err = c.call(ctx, http.MethodPost, c.inSpace("/api/saved_objects/_export"), "application/json", []byte(body))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the dashboards: %w", err)
	}
	found := map[string]Object{}
	for line := range bytes.Lines(answer) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		var o Object
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("looking for the dashboards: what answers at %s is not Kibana: %q", c.base, brief(line))
		}
		found[o.Type+" "+o.ID] = o
	}
	return found, nil
}

// differs says what an object in Kibana lacks. Kibana rewrites objects when it migrates them, so only what people see counts.
func differs(want, got Object) string {
	if got.Title() != want.Title() {
		return fmt.Sprintf("it is called %q", oneLine(got.Title()))
	}
	switch want.Type {
	case typeDataView:
		if t := got.Attributes["timeFieldName"]; t != want.Attributes["timeFieldName"] {
			return fmt.Sprintf("its time field is %q", oneLine(fmt.Sprint(t)))
		}
	case typeDashboard:
		var lost []string
		have := shownTitles(got)
		for _, title := range shownTitles(want) {
			if !slices.Contains(have, title) {
				lost = append(lost, title)
			}
		}
		if len(lost) > 0 {
			return "it lacks " + strings.Join(lost, ", ")
		}
	}
	return ""
}

// shownTitles are the titles of a dashboard's panels. Later Kibanas move a title into embeddableConfig.
func shownTitles(o Object) []string {
	encoded, _ := o.Attributes["panelsJSON"].(string)
	var list []struct {
		Title      string `json:"title"`
		Embeddable struct {
			Title string `json:"title"`
		} `json:"embeddableConfig"`
	}
	if json.Unmarshal([]byte(encoded), &list) != nil {
		return nil
	}
	var titles []string
	for _, p := range list {
		if p.Title == "" {
			p.Title = p.Embeddable.Title
		}
		titles = append(titles, p.Title)
	}
	return titles
}

// verifyFields asks the data view how the indices that are there know the fields of the panels. An index that was made before
// the template had a field shows here, and nowhere else.
func (c *Client) verifyFields(ctx context.Context, id string) (Finding, error) {
	f := Finding{Subject: "fields of " + template.Pattern, ID: id, State: Sound}
	var answer struct {
		View struct {
			Fields map[string]struct {
				Aggregatable bool   `json:"aggregatable"`
				Type         string `json:"type"`
			} `json:"fields"`
		} `json:"data_view"`
	}
	err := c.retry(ctx, func() error {
		return c.callJSON(ctx, http.MethodGet, c.inSpace("/api/data_views/data_view/"+id), "", nil, &answer)
	})
	var refused *AnswerError
	switch {
	case errors.As(err, &refused) && refused.Status != http.StatusUnauthorized && !retryable(err):
		f.State, f.Detail = Unknown, refused.Error()
		return f, nil
	case err != nil:
		return f, fmt.Errorf("asking for the fields: %w", err)
	}
	if _, ok := answer.View.Fields[field.Timestamp]; !ok {
		f.State, f.Detail = Unknown, "no alert index yet: the fields come with the first alert"
		return f, nil
	}
	var wrong []string
	for _, name := range panelFields() {
		switch known, ok := answer.View.Fields[name]; {
		case !ok:
			wrong = append(wrong, name+" is in no index")
		case !known.Aggregatable:
			wrong = append(wrong, name+" cannot be counted by ("+oneLine(known.Type)+")")
		}
	}
	if len(wrong) > 0 {
		f.State, f.Detail = Changed, strings.Join(wrong, ", ")+": the indices were made without Armor's index template, or before its last version"
	}
	return f, nil
}

// panelFields are the fields that panels count by, sorted.
func panelFields() []string {
	var names []string
	for _, p := range panels.OfDashboards() {
		if p.Field != "" {
			names = append(names, p.Field)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
