package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"armor/indexer/store"
	"armor/indexer/template"
)

// Ready asks whether the cluster answers and has the index template, and makes or renews it. Indices of another period than
// the configured one are a permanent error: the same alert would be looked for in two places.
func (s *Store) Ready(ctx context.Context) error {
	found, err := s.installed(ctx)
	if err != nil {
		return err
	}
	switch {
	case found == nil:
		if err := s.checkNames(ctx); err != nil {
			return err
		}
	case found.period != s.cfg.IndexPeriod:
		return periodError(string(found.period), s.cfg.IndexPeriod, "the index template "+template.Name)
	case found.version >= template.Version:
		return nil
	}
	return s.install(ctx)
}

func periodError(found string, configured store.Period, where string) error {
	return store.Permanent("elasticsearch.index_period is %s, but %s of this cluster says %s: the period is chosen once, so set elasticsearch.index_period: %s",
		configured, where, found, found)
}

// installedTemplate is what the cluster has.
type installedTemplate struct {
	period  store.Period
	version int
}

// installed reads the template of the cluster; nil: there is none.
func (s *Store) installed(ctx context.Context) (*installedTemplate, error) {
	answer, err := s.call(ctx, http.MethodGet, "/_index_template/"+template.Name, "", nil)
	if statusOf(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the index template: %w", err)
	}
	var form struct {
		Templates []struct {
			Template struct {
				Version int `json:"version"`
				Meta    struct {
					Armor struct {
						IndexPeriod store.Period `json:"index_period"`
					} `json:"armor"`
				} `json:"_meta"`
			} `json:"index_template"`
		} `json:"index_templates"`
	}
	if err := json.Unmarshal(answer, &form); err != nil {
		return nil, fmt.Errorf("reading the index template: %w", err)
	}
	if len(form.Templates) == 0 {
		return nil, nil
	}
	t := form.Templates[0].Template
	if !t.Meta.Armor.IndexPeriod.Valid() {
		return nil, store.Permanent("the cluster has an index template %s that is not Armor's: rename that one", template.Name)
	}
	return &installedTemplate{period: t.Meta.Armor.IndexPeriod, version: t.Version}, nil
}

// install puts the template. An early 8.x does not know one of the settings, and gets the template without it.
func (s *Store) install(ctx context.Context) error {
	settings := template.Settings{Period: s.cfg.IndexPeriod, Shards: s.cfg.Shards, Replicas: s.cfg.Replicas}
	_, err := s.call(ctx, http.MethodPut, "/_index_template/"+template.Name, typeJSON, template.JSON(settings))
	if statusOf(err) == http.StatusBadRequest && strings.Contains(err.Error(), template.IgnoreBeyondLimit) {
		s.log.Warn("this Elasticsearch does not ignore fields beyond the limit of 1000: alerts with more are kept with their data set aside")
		settings.StrictFieldLimit = true
		_, err = s.call(ctx, http.MethodPut, "/_index_template/"+template.Name, typeJSON, template.JSON(settings))
	}
	if err != nil {
		return fmt.Errorf("installing the index template: %w", err)
	}
	s.log.Info("installed the index template", "template", template.Name, "index_period", s.cfg.IndexPeriod, "version", template.Version)
	return nil
}

// checkNames looks whether the indices that exist are of the configured period.
func (s *Store) checkNames(ctx context.Context) error {
	names, err := s.indices(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		suffix := strings.TrimPrefix(name, template.IndexPrefix)
		for _, p := range []store.Period{store.Month, store.Week, store.Day} {
			if _, ok := p.End(suffix); ok && p != s.cfg.IndexPeriod {
				return periodError(string(p), s.cfg.IndexPeriod, "the name of index "+name)
			}
		}
	}
	return nil
}

// indices lists the alert indices.
func (s *Store) indices(ctx context.Context) ([]string, error) {
	answer, err := s.call(ctx, http.MethodGet, "/_resolve/index/"+template.Pattern+"?expand_wildcards=open,closed", "", nil)
	if statusOf(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the alert indices: %w", err)
	}
	var form struct {
		Indices []struct {
			Name string `json:"name"`
		} `json:"indices"`
	}
	if err := json.Unmarshal(answer, &form); err != nil {
		return nil, fmt.Errorf("listing the alert indices: %w", err)
	}
	var names []string
	for _, i := range form.Indices {
		names = append(names, i.Name)
	}
	return names, nil
}
