package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type link struct {
	Address   string `yaml:"address"`
	Password  string `yaml:"password"`
	TokenFile string `yaml:"token_file"`
	Token     string `yaml:"token"`
}

type input struct {
	Type string `yaml:"type"`
	Path string `yaml:"path"`
}

type sample struct {
	Manager  link              `yaml:"manager"`
	Interval time.Duration     `yaml:"interval"`
	Workers  int               `yaml:"workers"`
	Strict   bool              `yaml:"strict"`
	Names    []string          `yaml:"names"`
	Labels   map[string]string `yaml:"labels"`
	Inputs   []input           `yaml:"inputs"`
	Optional *link             `yaml:"optional"`
	Injected func()            `yaml:"-"`
}

func (s sample) Validate() error {
	if s.Workers < 0 {
		return errors.New("workers: must not be negative")
	}
	return nil
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "armor.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func fresh() *settings[sample] {
	return &settings[sample]{Log: LogConfig{Level: "info", Format: "auto"}, Service: sample{Workers: 2}}
}

func TestFileAndEnvironment(t *testing.T) {
	file := write(t, `
log: {level: debug}
manager:
  address: a:1
interval: 90s
inputs:
  - type: logfile
    path: /var/log/auth.log
labels: {site: x}
`)
	secret := write(t, "s3cret\n")
	cfg := fresh()
	warnings, err := load(cfg, file, []string{
		"HOME=/root", "ARMOR_MANAGER_ADDRESS=b:2", "ARMOR_INTERVAL=2m", "ARMOR_WORKERS=8", "ARMOR_STRICT=true",
		"ARMOR_NAMES=one, two", "ARMOR_LABELS=a=1,b=2", "ARMOR_INPUTS=[{type: cloudtrail, path: /trail}]",
		"ARMOR_MANAGER_PASSWORD_FILE=" + secret, "ARMOR_MANAGER_TOKEN_FILE=/token", "ARMOR_OPTIONAL_ADDRESS=c:3",
		"ARMOR_LOG_FORMAT=json", "ARMOR_MANGER_ADDRESS=typo",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &settings[sample]{
		Log: LogConfig{Level: "debug", Format: "json"},
		Service: sample{
			Manager:  link{Address: "b:2", Password: "s3cret", TokenFile: "/token"},
			Interval: 2 * time.Minute, Workers: 8, Strict: true, Names: []string{"one", "two"},
			Labels: map[string]string{"a": "1", "b": "2"}, Inputs: []input{{"cloudtrail", "/trail"}}, Optional: &link{Address: "c:3"},
		},
	}
	if diff := cmp.Diff(want, cfg, cmp.AllowUnexported(settings[sample]{}), cmp.FilterPath(
		func(p cmp.Path) bool { return p.Last().String() == ".Injected" }, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "ARMOR_MANGER_ADDRESS sets nothing: did you mean ARMOR_MANAGER_ADDRESS?") {
		t.Errorf("warnings %q", warnings)
	}
}

func TestMistakesNameTheirPlace(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		environ []string
		want    []string
	}{
		"unknown key": {"manager:\n  adress: x\n", nil, []string{`armor.yaml:2: unknown key "manager.adress": did you mean "address"?`}},
		"far from any": {"manager:\n  zzzzzzzzz: x\n", nil, []string{
			`armor.yaml:2: unknown key "manager.zzzzzzzzz": known here are address, password, token, token_file`,
		}},
		"in a list":                    {"inputs:\n- type: x\n- tpye: y\n", nil, []string{`armor.yaml:3: unknown key "inputs[1].tpye": did you mean "type"?`}},
		"several at once":              {"a: 1\nworkrs: 2\n", nil, []string{`:1: unknown key "a"`, `:2: unknown key "workrs"`}},
		"twice":                        {"workers: 1\nworkers: 2\n", nil, []string{`armor.yaml:2: key "workers" is given twice, first in line 1: remove one`}},
		"wrong type":                   {"strict: true\nworkers: many\n", nil, []string{`armor.yaml:2: workers: "many" is not taken here; write a whole number`}},
		"no duration":                  {"interval: soon\n", nil, []string{`armor.yaml:1: interval: "soon" is not taken here; write a duration, such as`}},
		"no YAML":                      {"a: [1\nb", nil, []string{"armor.yaml:"}},
		"in line 1":                    {"a: b: c\n", nil, []string{"armor.yaml:1: mapping values are not allowed in this context: put a text"}},
		"tab":                          {"strict: true\nmanager:\n\taddress: a\n", nil, []string{"armor.yaml:3: ", "with blanks, not with tabs"}},
		"bytes":                        {"strict: true\n\x00\x01", nil, []string{"armor.yaml:2: control characters are not allowed: write the file as UTF-8 text"}},
		"unknown anchor":               {"strict: true\nmanager: *m\n", nil, []string{"armor.yaml:2: unknown anchor 'm' referenced: write the value out"}},
		"list for text":                {"manager:\n  address: [a, b]\n", nil, []string{"armor.yaml:2: manager.address: a list is not taken here; write one text"}},
		"text for list":                {"names: a\n", nil, []string{`armor.yaml:1: names: "a" is not taken here; write a list`}},
		"text for keys":                {"manager: a:1\n", nil, []string{`armor.yaml:1: manager: "a:1" is not taken here; write key: value`}},
		"keys for number":              {"workers: {a: 1}\n", nil, []string{"armor.yaml:1: workers: keys are not taken here; write a whole number"}},
		"two documents":                {"workers: 1\n---\nworkers: 2\n", nil, []string{"armor.yaml:2: there is a second YAML document"}},
		"an alias":                     {"names: &n [a]\nlabels: *n\n", nil, []string{"armor.yaml:2: *n"}},
		"not a mapping":                {"- a\n", nil, []string{"armor.yaml:1: the file: a list is not taken here; write key: value"}},
		"not valid":                    {"strict: true\nworkers: -1\n", nil, []string{"armor.yaml:2: workers: must not be negative"}},
		"not valid, set by a variable": {"workers: 1\n", []string{"ARMOR_WORKERS=-1"}, []string{"environment variable ARMOR_WORKERS: workers: must not be negative"}},
		"log level":                    {"strict: true\nlog:\n  format: text\n  level: loud\n", nil, []string{`armor.yaml:4: log.level "loud": use debug, info, warn or error`}},
		"debug address":                {"debug: {listen: nine}\n", nil, []string{`debug.listen "nine" is not an address`}},
		"variable":                     {"", []string{"ARMOR_INTERVAL=soon", "ARMOR_WORKERS=x"}, []string{"ARMOR_INTERVAL: not a duration", "ARMOR_WORKERS: its value: not a value of this form; write a whole number"}},
		"variable's key":               {"", []string{"ARMOR_INPUTS=[{tpye: x}]"}, []string{`ARMOR_INPUTS: unknown key "[0].tpye"`}},
		"missing secret":               {"", []string{"ARMOR_MANAGER_PASSWORD_FILE=/no/such"}, []string{"ARMOR_MANAGER_PASSWORD_FILE: open /no/such"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(fresh(), write(t, test.content), test.environ)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	_, _, err := override(&struct {
		Secret []int `yaml:"secret"`
	}{}, []string{"ARMOR_SECRET=hunter2"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

func TestEmptyFileIsTheDefaults(t *testing.T) {
	cfg := fresh()
	if _, err := load(cfg, write(t, "# nothing\n"), nil); err != nil || cfg.Service.Workers != 2 {
		t.Errorf("workers %d, error %v", cfg.Service.Workers, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("manager:\n  address: a\ninputs: [{type: x}]\n")
	f.Add("a: &a [*a]\n")
	f.Add("? {a: b}\n: - c\n")
	f.Add("<<: {workers: 1}\n")
	f.Fuzz(func(t *testing.T, content string) {
		cfg := fresh()
		if _, err := decode(cfg, "f", []byte(content)); err == nil {
			again := fresh()
			if _, err := decode(again, "f", []byte(content)); err != nil {
				t.Errorf("accepted once, then: %v", err)
			}
		}
	})
}
