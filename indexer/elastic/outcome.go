package elastic

import (
	"fmt"
	"net/http"
	"strings"

	"armor/indexer/store"
)

// waits are the errors with status 400 that have nothing to do with the document: somebody has to mend the cluster.
var waits = map[string]bool{
	"index_closed_exception":                  true,
	"cluster_block_exception":                 true,
	"process_cluster_event_timeout_exception": true,
	"invalid_index_name_exception":            true,
	"index_not_found_exception":               true,
	"circuit_breaking_exception":              true,
	"es_rejected_execution_exception":         true,
}

// outcome tells what is to be done with a document by the status and error that Elasticsearch gives for it.
func outcome(status int, e *cause) store.Result {
	reason := fmt.Sprintf("Elasticsearch answers %d: %s", status, e.String())
	switch {
	case status == http.StatusOK || status == http.StatusCreated:
		return store.Result{Outcome: store.Created}
	case status == http.StatusConflict:
		return store.Result{Outcome: store.Duplicate}
	case status == http.StatusRequestEntityTooLarge:
		return store.Result{Outcome: store.DeadLetter, Reason: reason}
	case status != http.StatusBadRequest:
		return store.Result{Outcome: store.Retry, Reason: reason}
	}
	for c := e; c != nil; c = c.CausedBy {
		if waits[c.Type] || full(c.Reason) {
			return store.Result{Outcome: store.Retry, Reason: reason}
		}
	}
	return store.Result{Outcome: store.Demote, Reason: reason}
}

// full tells by its text that an error is about the cluster's or the index's capacity; it has no type of its own.
func full(reason string) bool {
	return strings.Contains(reason, "shards") && strings.Contains(reason, "maximum") ||
		strings.Contains(reason, "Number of documents in the shard cannot exceed")
}
