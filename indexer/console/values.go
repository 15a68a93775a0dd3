package console

import (
	"context"
	"net/http"

	"armor/indexer/field"
	"armor/indexer/store"
)

// choices bounds the agents and groups offered in the page's lists.
const choices = 200

// values answers with the agents and groups that there are to choose from in a time range, the most frequent first. Other filters do not narrow them.
func (c *Console) values(w http.ResponseWriter, r *http.Request) error {
	filter, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.QueryTimeout)
	defer cancel()
	body := map[string][]string{}
	for answer, name := range map[string]string{"agents": field.AgentName, "groups": field.Groups} {
		counted, err := c.store.Aggregate(ctx, store.Aggregation{Filter: store.Filter{Since: filter.Since, Until: filter.Until}, Field: name, Size: choices})
		if err != nil {
			return err
		}
		body[answer] = make([]string, 0, len(counted.Buckets))
		for _, b := range counted.Buckets {
			body[answer] = append(body[answer], b.Key)
		}
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}
