package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

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
	from := origin{file: file}
	if file != "" {
		if from.document, err = loadFile(cfg, file); err != nil {
			return nil, err
		}
	}
	warnings, from.variables, err = override(cfg, environ)
	if err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, from.place(err)
	}
	return warnings, nil
}

// LoadFile fills cfg, a pointer to a struct with yaml tags, from one YAML document. A key that the struct does not have, a key
// given twice and a value of a wrong type are errors that name file and line; all of them are reported at once.
func LoadFile(cfg any, file string) error {
	_, err := loadFile(cfg, file)
	return err
}

func loadFile(cfg any, file string) (*yaml.Node, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if info.Size() > maxConfigBytes {
		return nil, fmt.Errorf("reading the configuration: %s is larger than %d bytes", file, maxConfigBytes)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return decode(cfg, file, content)
}

// decode gives the document too; nil: it is empty.
func decode(cfg any, file string, content []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, nil // an empty file says nothing
	}
	if err != nil {
		return nil, located(file, content, err)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: there is a second YAML document: write one per file", file, max(second.Line, 1))
	}
	check := documentCheck{file: file}
	check.node(&document, reflect.TypeOf(cfg), "")
	if len(check.problems) > 0 {
		return nil, errors.Join(check.problems...)
	}
	if err := document.Decode(cfg); err != nil {
		return nil, located(file, content, err)
	}
	return &document, nil
}
