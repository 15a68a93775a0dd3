package pattern_test

import (
	"fmt"

	"armor/rules/internal/pattern"
)

func Example() {
	m, err := pattern.Compile(pattern.OSRegex, `^Failed \S+ for (\S+) from (\S+)`)
	if err != nil {
		fmt.Println(err)
		return
	}
	var sc pattern.Scratch
	line := "Failed password for root from 10.0.0.1 port 22"
	if end, ok := m.Match(line, &sc); ok {
		for _, c := range sc.Captures {
			fmt.Println(c.Of(line))
		}
		// The reported end is that of the reference: a last class that runs on
		// to the next blank counts with its first byte only.
		fmt.Printf("%q\n", line[pattern.Next(end, len(line)):])
	}
	fmt.Println(m.Facts().Required)

	_, err = pattern.Compile(pattern.OSRegex, `[\d]\-`)
	fmt.Println(err)
	// Output:
	// root
	// 10.0.0.1
	// "0.0.0.1 port 22"
	// [failed ]
	// \- at byte 4 is no class of osregex: use \d \w \s \t \p \W \D \S \. or one of \( \) \\ \$ \| \<
}
