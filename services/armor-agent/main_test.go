package main

import (
	"testing"

	"armor/agent"
	"armor/internal/testenv"
)

func TestExample(t *testing.T) { testenv.ExampleConfig(t, "example.yaml", agent.Config{}) }
