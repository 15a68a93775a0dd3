package main

import (
	"armor/indexer/store"
	"armor/internal/alertstream"
	"armor/internal/daemon"
)

// misconfigured makes what waiting does not mend a wrong configuration, of this service or of its neighbours.
func misconfigured(err error) error {
	if alertstream.IsPermanent(err) || store.IsPermanent(err) {
		return daemon.Usage(err)
	}
	return err
}
