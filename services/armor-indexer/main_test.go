package main

import (
	"testing"

	"armor/indexer"
	"armor/internal/testenv"
)

func TestExample(t *testing.T) {
	testenv.ExampleConfig(t, "example.yaml", indexer.DefaultConfig())
}
