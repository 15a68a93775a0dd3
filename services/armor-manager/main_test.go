package main

import (
	"testing"

	"armor/internal/testenv"
	"armor/manager"
)

func TestExample(t *testing.T) {
	testenv.ExampleConfig(t, "example.yaml", manager.DefaultConfig())
}
