// Package decode turns a log line into a decoded event: header, decoder and fields, as the reference engine does. It
// is pure: the same line gives the same event, on any goroutine.
package decode

import (
	"sync"

	"armor/rules/internal/fields"
	"armor/rules/internal/jsonfields"
	"armor/rules/internal/pattern"
)

// offset says where an expression starts to look.
type offset uint8

const (
	fromStart offset = iota
	afterParent
	afterPrematch
	afterRegex
)

// target is where a capture goes.
type target struct {
	slot   fields.Slot // None: dynamic
	symbol fields.Symbol
	name   string
}

// Decoder is one decoder as loaded.
type Decoder struct {
	// ID is shared by all decoders of one (final) name; rules compare it.
	ID int32
	// Name as events show it: that of the parent unless use_own_name is set.
	Name string
	// OwnName as written.
	OwnName string
	// Parent is the name of the parent; empty: none.
	Parent string
	// Category of the events.
	Category Category
	// Accumulate: fields are carried on to later events of the same id.
	Accumulate bool
	// FTS lists the fields that make an event "seen first"; nil: none.
	FTS []FTSKey
	// FTSComment is shown with the decoder.
	FTSComment string
	// File and Line of its definition.
	File string
	Line int

	program        pattern.Matcher
	prematch       pattern.Matcher
	prematchNeeds  pattern.Needs
	prematchOffset offset
	regex          pattern.Matcher
	regexNeeds     pattern.Needs
	regexOffset    offset
	order          []target
	plugin         plugin
	modes          jsonfields.Modes
	useOwnName     bool
	written        written
	hasNext        bool
	children       []*Decoder
	candidates     *pattern.Candidates // of the children with a prematch; nil: try them all
}

// None stands for the decoder of an event that no decoder matches: it has no name and is of category syslog.
var None = &Decoder{ID: -1}

// FTSKey is one part of a first-time-seen key.
type FTSKey struct {
	Kind   FTSKind
	Slot   fields.Slot
	Symbol fields.Symbol
}

// FTSKind says what an FTSKey is.
type FTSKind uint8

// The kinds of key.
const (
	FTSName FTSKind = iota
	FTSLocation
	FTSStatic
	FTSDynamic
)

// Tree holds all decoders.
type Tree struct {
	withProgram    []*Decoder
	withoutProgram []*Decoder
	all            []*Decoder
	ids            map[string]int32
	symbols        *fields.Symbols
	index          index
	flatteners     sync.Pool // of *jsonfields.Flattener: what they have learnt of keys serves all events
}

// Len is the number of decoders.
func (t *Tree) Len() int { return len(t.all) }

// All gives the decoders in order of loading.
func (t *Tree) All() []*Decoder { return t.all }

// ID finds the number of a decoder name, for decoded_as.
func (t *Tree) ID(name string) (int32, bool) {
	if id, ok := t.ids[name]; ok {
		return id, true
	}
	return -2, builtin[name]
}

// builtin are names of decoders that the reference engines have in code, for events that are no log lines. Rules may
// name them; no log line is ever decoded by them.
var builtin = map[string]bool{
	"ciscat": true, "fim_state": true, "hostinfo_modified": true, "hostinfo_new": true, "rootcheck": true, "sca": true,
	"syscheck_deleted": true, "syscheck_integrity_changed": true, "syscheck_integrity_changed_2nd": true,
	"syscheck_integrity_changed_3rd": true, "syscheck_new_entry": true, "syscheck_registry_key_added": true,
	"syscheck_registry_key_deleted": true, "syscheck_registry_key_modified": true, "syscheck_registry_value_added": true,
	"syscheck_registry_value_deleted": true, "syscheck_registry_value_modified": true, "syscollector": true,
	"upgrade_module": true, "windows_eventchannel": true,
}
