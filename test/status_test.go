package test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/conservation"
)

// processStatus asks a process for its status through the command that people use.
func processStatus(t testing.TB, args ...string) (*armorv1.GetProcessStatusResponse, error) {
	t.Helper()
	r := call(t, "armor", append([]string{"status", "--json"}, args...)...)
	status := &armorv1.GetProcessStatusResponse{}
	if err := protojson.Unmarshal([]byte(r.out), status); err != nil {
		return nil, errors.New(r.errors)
	}
	return status, nil
}

// checkBalanced waits until the counters of every part of a process balance.
func checkBalanced(t testing.TB, args ...string) {
	t.Helper()
	eventually(t, "the counters balance", func() error {
		status, err := processStatus(t, args...)
		if err != nil {
			return err
		}
		for _, c := range status.GetComponents() {
			if err := conservation.Check(c); err != nil {
				return err
			}
		}
		return nil
	})
}
