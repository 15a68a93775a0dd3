package main

import (
	"strings"
	"testing"
	"time"
)

func summary(t *testing.T, events string) (*report, string) {
	t.Helper()
	var out strings.Builder
	r := newReport(&out)
	if err := r.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	r.finish(time.Second)
	return r, out.String()
}

func TestCounts(t *testing.T) {
	r, out := summary(t, `
{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"run","Package":"a","Test":"TestX/one"}
{"Action":"pass","Package":"a","Test":"TestX/one"}
{"Action":"pass","Package":"a","Test":"TestX"}
{"Action":"run","Package":"a","Test":"TestY"}
{"Action":"output","Package":"a","Test":"TestY","Output":"=== RUN   TestY\n"}
{"Action":"output","Package":"a","Test":"TestY","Output":"    y_test.go:7: not run: no browser\n"}
{"Action":"output","Package":"a","Test":"TestY","Output":"--- SKIP: TestY (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestY"}
{"Action":"pass","Package":"a","Elapsed":1.5}
{"Action":"skip","Package":"b"}
`)
	if r.failed() {
		t.Error("it failed")
	}
	for _, want := range []string{"ok    a ", "a TestY: not run: no browser", "packages: 1 ok, 0 failed, 1 without tests"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if !strings.HasSuffix(out, "\n2 passed, 0 failed, 1 skipped\n") {
		t.Errorf("last line of:\n%s", out)
	}
}

func TestEveryWayToFail(t *testing.T) {
	for name, test := range map[string]struct {
		events string
		want   []string
	}{
		"a test": {`{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"output","Package":"a","Test":"TestX","Output":"    x_test.go:3: got 1\n"}
{"Action":"fail","Package":"a","Test":"TestX"}
{"Action":"fail","Package":"a"}`, []string{"--- failed: a TestX\n    x_test.go:3: got 1", "0 passed, 1 failed, 0 skipped"}},
		"a build": {`{"ImportPath":"a [a.test]","Action":"build-output","Output":"a/x.go:1: undefined: y\n"}
{"ImportPath":"a [a.test]","Action":"build-fail"}
{"Action":"fail","Package":"a","FailedBuild":"a [a.test]"}`, []string{"undefined: y", "1 failed"}},
		"a panic": {`{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"output","Package":"a","Test":"TestX","Output":"panic: boom\n"}
{"Action":"fail","Package":"a"}`, []string{"a TestX (did not end)", "panic: boom", "2 failed"}},
		"an exit": {`{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"pass","Package":"a","Test":"TestX"}
{"Action":"output","Package":"a","Output":"exit status 3\n"}
{"Action":"fail","Package":"a"}`, []string{"a (the package)", "exit status 3", "1 passed, 1 failed"}},
		"a cut": {`{"Action":"run","Package":"a","Test":"TestX"}`, []string{"a (did not end)", "0 passed, 1 failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, out := summary(t, test.events)
			if !r.failed() {
				t.Error("it did not fail")
			}
			for _, want := range test.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in:\n%s", want, out)
				}
			}
		})
	}
}
