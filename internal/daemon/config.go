package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// settings is a configuration file: the frame's keys and the service's own.
type settings[C any] struct {
	Log     LogConfig   `yaml:"log"`
	Debug   DebugConfig `yaml:"debug"`
	Service C           `yaml:",inline"`
}

// Validate joins everything that is wrong.
func (s *settings[C]) Validate() error {
	return errors.Join(s.Log.Validate(), s.Debug.Validate(), validate(&s.Service))
}

// validate calls the Validate method of a value, where it has one.
func validate(pointer any) error {
	if v, ok := pointer.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

const maxConfigBytes = 4 << 20

// load fills cfg, which holds the defaults, from a file (its name may be empty) and from the environment, and validates it. The
// error joins every problem; warnings are about variables that look like settings and are none.
func load(cfg interface{ Validate() error }, file string, environ []string) (warnings []string, err error) {
	if file != "" {
		if err := loadFile(cfg, file); err != nil {
			return nil, err
		}
	}
	warnings, err = override(cfg, environ)
	if err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		if file != "" {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return nil, err
	}
	return warnings, nil
}

// LoadFile fills cfg, a pointer to a struct with yaml tags, from one YAML document. A key that the struct does not have, a key
// given twice and a value of a wrong type are errors that name file and line; all of them are reported at once.
func LoadFile(cfg any, file string) error { return loadFile(cfg, file) }

func loadFile(cfg any, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	if info.Size() > maxConfigBytes {
		return fmt.Errorf("reading the configuration: %s is larger than %d bytes", file, maxConfigBytes)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	return decode(cfg, file, content)
}

func decode(cfg any, file string, content []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil // an empty file says nothing
	}
	if err != nil {
		return located(file, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: there is a second YAML document: write one per file", file)
	}
	known := keyCheck{file: file}
	known.node(&document, reflect.TypeOf(cfg), "")
	if len(known.problems) > 0 {
		return errors.Join(known.problems...)
	}
	if err := document.Decode(cfg); err != nil {
		return located(file, err)
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): (.*)$`)

// located puts the file and line before each of a YAML error's texts.
func located(file string, err error) error {
	var typed *yaml.TypeError
	texts := []string{err.Error()}
	if errors.As(err, &typed) {
		texts = typed.Errors
	}
	problems := make([]error, 0, len(texts))
	for _, text := range texts {
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			problems = append(problems, fmt.Errorf("%s:%s: %s", file, m[1], m[2]))
			continue
		}
		problems = append(problems, fmt.Errorf("%s: %s", file, strings.TrimPrefix(text, "yaml: ")))
	}
	return errors.Join(problems...)
}
