package testenv

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"armor/internal/daemon"
)

// commentedSetting is a line that holds a setting behind a # without a blank: an optional one, as a reader would switch it on.
var commentedSetting = regexp.MustCompile(`(?m)^( *)#([^ #!\n])`)

// ExampleConfig checks a service's example configuration: it loads strictly and is valid as it stands, loads strictly with every
// optional setting switched on, and shows every key that the service knows. C is the service's configuration, with its defaults.
func ExampleConfig[C any](t testing.TB, file string, defaults C) {
	t.Helper()
	type settings struct {
		Log     daemon.LogConfig   `yaml:"log"`
		Debug   daemon.DebugConfig `yaml:"debug"`
		Service C                  `yaml:",inline"`
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	asIs := settings{Log: daemon.LogConfig{Level: "info", Format: "auto"}, Service: defaults}
	if err := daemon.LoadFile(&asIs, file); err != nil {
		t.Errorf("as it stands: %v", err)
	}
	for _, part := range []any{&asIs.Log, &asIs.Debug, &asIs.Service} {
		if v, ok := part.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				t.Errorf("as it stands: %v", err)
			}
		}
	}
	whole := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.WriteFile(whole, commentedSetting.ReplaceAll(content, []byte("$1$2")), 0o600); err != nil {
		t.Fatal(err)
	}
	var everything settings
	if err := daemon.LoadFile(&everything, whole); err != nil {
		t.Errorf("with every optional setting: %v", err)
	}
	for _, key := range yamlKeys(reflect.TypeFor[settings](), map[reflect.Type]bool{}) {
		if !regexp.MustCompile(`(?m)^[ #-]*` + regexp.QuoteMeta(key) + `:`).Match(content) {
			t.Errorf("%s does not show the key %s", file, key)
		}
	}
}

// yamlKeys names the keys of a configuration struct and of the structs below it.
func yamlKeys(t reflect.Type, seen map[reflect.Type]bool) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name == "" && !strings.Contains(options, "inline") {
			name = strings.ToLower(f.Name)
		}
		if name != "" {
			keys = append(keys, name)
		}
		keys = append(keys, yamlKeys(f.Type, seen)...)
	}
	return keys
}
