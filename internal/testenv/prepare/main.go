// Command prepare fetches and builds what the tests need besides packages of the system, so that no test has to wait for it:
// Elasticsearch's jars, nats-server, axe-core, moto and ElasticMQ. What cannot be had is named; the tests that need it then say so themselves.
package main

import (
	"context"
	"fmt"
	"os"

	"armor/internal/testenv"
)

func main() {
	logf := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	ctx, failed := context.Background(), false
	for _, prepare := range []func(context.Context, func(string, ...any)) error{testenv.PrepareElasticsearch, testenv.PrepareNATS, testenv.PrepareAxe, testenv.PrepareCloud} {
		if err := prepare(ctx, logf); err != nil {
			fmt.Fprintln(os.Stderr, err)
			failed = true
		}
	}
	if failed && os.Getenv("CI") == "true" {
		os.Exit(1)
	}
}
