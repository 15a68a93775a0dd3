package daemon

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	envPrefix     = "ARMOR_"
	envFileSuffix = "_FILE"
)

// override sets the fields of cfg (a pointer to a struct with yaml tags) that a variable names: the path in upper case with
// underscores, so ARMOR_MANAGER_ADDRESS sets manager.address. A list is given with commas between, or as YAML in square
// brackets; a map as YAML or as name=value with commas between. With _FILE appended, the value is read from the file that the
// variable names, without its last line end. Variables of that form that set nothing come back as warnings; used are those that
// set something.
func override(cfg any, environ []string) (warnings []string, used map[string]bool, err error) {
	o := &overrides{values: map[string]string{}, used: map[string]bool{}}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, envPrefix) {
			o.values[name] = value
		}
	}
	target := reflect.ValueOf(cfg).Elem()
	o.names = settingNames(target.Type(), strings.TrimSuffix(envPrefix, "_"))
	o.walk(target, strings.TrimSuffix(envPrefix, "_"))
	for name := range o.values {
		if !o.used[name] {
			text := "environment variable " + name + " sets nothing"
			if near := nearest(strings.ToLower(name), lower(o.names)); near != "" {
				text += ": did you mean " + strings.ToUpper(near) + "?"
			}
			warnings = append(warnings, text)
		}
	}
	slices.Sort(warnings)
	return warnings, o.used, errors.Join(o.problems...)
}

func lower(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	return out
}

type overrides struct {
	values   map[string]string
	used     map[string]bool
	names    []string // of all settings
	problems []error
}

func settingName(prefix string, f field) string {
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(f.key, "-", "_"))
}

// settingNames lists the variables that could set something in a struct type.
func settingNames(t reflect.Type, prefix string) []string {
	var names []string
	for _, f := range fieldsOf(t) {
		name, inner := settingName(prefix, f), f.typ
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && !decodesItself(inner) {
			names = append(names, settingNames(inner, name)...)
			continue
		}
		names = append(names, name)
	}
	return names
}

// walk sets what lies below a struct value.
func (o *overrides) walk(v reflect.Value, prefix string) {
	for _, f := range fieldsOf(v.Type()) {
		name := settingName(prefix, f)
		at := v.FieldByIndex(f.index)
		t := f.typ
		if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && !decodesItself(t.Elem()) {
			o.walkPointer(at, name)
			continue
		}
		if t.Kind() == reflect.Struct && !decodesItself(t) {
			o.walk(at, name)
			continue
		}
		text, from, ok := o.value(name)
		if !ok {
			continue
		}
		if err := set(at, text); err != nil {
			o.problems = append(o.problems, fmt.Errorf("environment variable %s: %w", from, err))
		}
	}
}

// walkPointer makes the struct behind a nil pointer only when a variable sets something in it.
func (o *overrides) walkPointer(at reflect.Value, name string) {
	if !at.IsNil() {
		o.walk(at.Elem(), name)
		return
	}
	before := len(o.used)
	made := reflect.New(at.Type().Elem())
	o.walk(made.Elem(), name)
	if len(o.used) > before {
		at.Set(made)
	}
}

// value looks up the text of a setting and the variable that it comes from.
func (o *overrides) value(name string) (text, from string, ok bool) {
	if text, ok := o.values[name]; ok {
		o.used[name] = true
		return text, name, true
	}
	from = name + envFileSuffix
	path, ok := o.values[from]
	if !ok || slices.Contains(o.names, from) {
		return "", "", false
	}
	o.used[from] = true
	content, err := os.ReadFile(path)
	if err != nil {
		o.problems = append(o.problems, fmt.Errorf("environment variable %s: %w", from, err))
		return "", "", false
	}
	return strings.TrimRight(string(content), "\r\n"), from, true
}

// set gives a value the meaning of a text. Its errors never show the text: it may be a secret.
func set(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer && !decodesItself(v.Type().Elem()) {
		made := reflect.New(v.Type().Elem())
		if err := set(made.Elem(), text); err != nil {
			return err
		}
		v.Set(made)
		return nil
	}
	switch {
	case decodesItself(v.Type()):
		return fromYAML(v, text)
	case v.Type() == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("not a duration: write it like 30s, 5m or 24h")
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("neither true nor false")
		}
		v.SetBool(b)
	case reflect.Slice:
		return setList(v, text)
	case reflect.Map:
		return setMap(v, text)
	default:
		return fromYAML(v, text)
	}
	return nil
}

func setList(v reflect.Value, text string) error {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		return fromYAML(v, text)
	}
	list := reflect.MakeSlice(v.Type(), 0, 0)
	if text != "" {
		for part := range strings.SplitSeq(text, ",") {
			item := reflect.New(v.Type().Elem()).Elem()
			if err := set(item, strings.TrimSpace(part)); err != nil {
				return err
			}
			list = reflect.Append(list, item)
		}
	}
	v.Set(list)
	return nil
}

func setMap(v reflect.Value, text string) error {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		v.SetZero() // YAML would add to what is there
		return fromYAML(v, text)
	}
	made := reflect.MakeMap(v.Type())
	if text != "" {
		for part := range strings.SplitSeq(text, ",") {
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return errors.New("not a list of name=value")
			}
			key, item := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			if err := errors.Join(set(key, strings.TrimSpace(name)), set(item, strings.TrimSpace(value))); err != nil {
				return err
			}
			made.SetMapIndex(key, item)
		}
	}
	v.Set(made)
	return nil
}

// fromYAML reads a text as YAML into a value, strictly.
func fromYAML(v reflect.Value, text string) error {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return errors.New("not YAML of the setting's form")
	}
	check := documentCheck{}
	check.node(&document, v.Type(), "")
	if len(check.problems) > 0 {
		return errors.Join(check.problems...)
	}
	if err := document.Decode(v.Addr().Interface()); err != nil {
		return fmt.Errorf("not a value of type %s", v.Type())
	}
	return nil
}
