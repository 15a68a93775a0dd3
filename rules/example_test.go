package rules_test

import (
	"fmt"

	"armor/rules"
	"armor/rules/ruleset"
)

// A ruleset is loaded once; an engine then evaluates events, each with working memory that is used again.
func Example() {
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: ruleset.FS()})
	if err != nil {
		fmt.Println(err) // everything that is wrong, with file and line
		return
	}
	engine := rules.NewEngine(rs, rules.EngineOptions{})
	x := engine.NewEvaluation()
	ev := rules.Event{
		Location: "/var/log/auth.log",
		Log:      "Nov 23 02:40:01 web-1 sshd[411]: Failed password for root from 203.0.113.66 port 4022 ssh2",
	}
	engine.Decode(&ev, x)      // any goroutine
	verdict := engine.Match(x) // in order
	if verdict.Alert {
		fmt.Printf("rule %d, level %d: %s\n", verdict.Rule.ID, verdict.Rule.Level, verdict.Description)
		fmt.Printf("%s\n", verdict.AppendData(nil))
	}
	// Output:
	// rule 200002, level 5: sshd: login of root failed, from 203.0.113.66
	// {"dstuser":"root","srcip":"203.0.113.66","srcport":"4022"}
}
