package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"armor/internal/testenv"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// Every call of docs/grpcurl.md works as it is written there.
func TestDocumentedGRPCCalls(t *testing.T) {
	tool := testenv.Tool(t, "grpcurl")
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "grpcurl.md"))
	if err != nil {
		t.Fatal(err)
	}
	work, folder := t.TempDir(), t.TempDir()
	put(t, folder, delivered(1, ".json"), file("first"))
	data := filepath.Join(work, "armor-data") // the name that the page uses
	p := start(t, "armor", "up", "--data", data, "--listen", "127.0.0.1:0", "--cloudtrail", folder)
	eventually(t, "it waits", p.out.says("waiting for more"))

	shell := func(script string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(tool)+string(os.PathListSeparator)+os.Getenv("PATH"))
		return cmd
	}
	var prelude string
	want := map[string]string{
		" list":                    "armor.v1.RulesetService",
		"describe":                 "rpc Logtest",
		"Health/Check":             "SERVING",
		"/Logtest":                 `"ruleId": 80301`,
		`"why":80301`:              "rule 80301 (level 2) did not fire",
		"/SearchAlerts":            `"documents"`,
		"/AggregateAlerts":         `"Amazon-ec2: Allocate Address"`,
		"/ListDeadLetters":         `{}`,
		"/RetryDeadLetters":        ``,
		"GetProcessStatus":         `"indexer"`,
		"ListAgents":               `"000"`,
		"RulesetService/GetStatus": `"hash"`,
	}
	calls, watched := 0, false
	for _, block := range shellBlock.FindAllStringSubmatch(string(page), -1) {
		script := block[1]
		switch {
		case strings.Contains(script, "go install"):
		case strings.Contains(script, "ADDRESS=$("):
			prelude = script
		case strings.Contains(script, "WatchAlerts"):
			watched = true
			checkDocumentedWatch(t, shell(prelude+script), folder)
		default:
			for line := range strings.Lines(script) {
				if strings.TrimSpace(line) == "" {
					continue
				}
				calls++
				out, err := shell(prelude + line).CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%s", strings.TrimSpace(line), err, out)
				}
				for part, text := range want {
					if strings.Contains(line, part) {
						delete(want, part)
						// The search's query finds nothing here; that it answers is the point.
						if part != "/SearchAlerts" && !strings.Contains(string(out), text) {
							t.Errorf("%s: %q is not in\n%s", strings.TrimSpace(line), text, out)
						}
					}
				}
			}
		}
	}
	if len(want) > 0 || !watched {
		t.Errorf("the page does not show %v (watch shown: %v)", want, watched)
	}
	t.Logf("%d calls of docs/grpcurl.md and the watch", calls)

	out, err := shell(prelude + `grpcurl -plaintext $ADDRESS armor.v1.StatusService/GetProcessStatus`).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Unauthenticated") {
		t.Errorf("without the token: %v\n%s", err, out)
	}
}

// checkDocumentedWatch lets a watch run while alerts come.
func checkDocumentedWatch(t *testing.T, cmd *exec.Cmd, folder string) {
	t.Helper()
	out := &transcript{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		cmd.Wait()                                      // it was killed
	}()
	n := 0
	eventually(t, "the watch shows an alert", func() error {
		n++ // the watch may begin after the first ones
		put(t, folder, delivered(100+n, ".json"), file(fmt.Sprintf("watched-%d", n)))
		return out.says("watched-")()
	})
}
