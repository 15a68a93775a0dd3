// Command generate writes the sample CloudTrail folder that `make run` reads: the same bytes on every run, since the clock,
// the accounts and the random seed are fixed. Run it from this folder's parent with `go generate`.
package main

import (
	"flag"
	"fmt"
	"os"
)

// seed makes every run write the same folder.
const seed = 20261122

func main() {
	out := flag.String("out", "cloudtrail", "folder to write AWSLogs/ into; an AWSLogs folder that is there is replaced")
	flag.Parse()
	files, records, err := write(*out, newStory(seed).tell())
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
	fmt.Printf("%d records in %d files under %s\n", records, files, *out)
}
