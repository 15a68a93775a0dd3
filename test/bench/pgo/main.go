// Command pgo makes one CPU profile for the compiler out of several. It promises a file that names functions and lines and
// nothing of the machine that they were measured on.
//
//	go run ./test/bench/pgo -o services/armor/default.pgo bin/profiles/*.pprof
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/google/pprof/profile"
)

func main() {
	out := flag.String("o", "", "`file` to write")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "pgo:", err)
		os.Exit(1)
	}
}

func run(out string, paths []string) error {
	if out == "" || len(paths) == 0 {
		return errors.New("name -o and the profiles to merge, such as those of `make pgo`")
	}
	profiles := make([]*profile.Profile, len(paths))
	for i, path := range paths {
		p, err := read(path)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		strip(p)
		profiles[i] = p
	}
	merged, err := profile.Merge(profiles)
	if err != nil {
		return fmt.Errorf("merging: %w", err)
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	return errors.Join(merged.Write(f), f.Close())
}

func read(path string) (*profile.Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Parse(f)
}

// strip removes what the compiler does not read: names of files, addresses and labels.
func strip(p *profile.Profile) {
	for _, f := range p.Function {
		f.Filename = ""
	}
	for _, l := range p.Location {
		l.Address, l.Mapping = 0, nil
	}
	for _, s := range p.Sample {
		s.Label, s.NumLabel, s.NumUnit = nil, nil, nil
	}
	p.Mapping = nil
}
