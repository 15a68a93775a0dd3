package match

import (
	"slices"
	"strings"

	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

// definition is a <rule> as it was read, before it has its place.
type definition struct {
	rule      *Rule
	overwrite bool
	groupText string

	ifSid       []int
	ifLevel     int // -1: none
	ifGroup     string
	categorySet bool
	placed      []string // names of the elements that say where the rule hangs

	matchedSid   int
	matchedGroup string
	matchedRegex expression
	keepList     int // list of the rule that is overwritten, plus one; 0: none
	overwritten  bool
	frequency    int
	timeframe    int
	sameLine     int // of the first same_* or different_*
	same         sameness
	checkDiff    bool

	texts      map[string]*expression // by element name
	addresses  map[fields.Slot]*address
	conditions []phased
}

// sameness is what earlier events must have in common with this one, or must not.
type sameness struct {
	same, different                 uint32
	sameDynamic, differentDynamic   []fields.Symbol
	sameLocation, differentLocation bool
	sameAgent, differentAgent       bool
	global                          bool
}

type phased struct {
	phase phase
	c     Condition
}

// expression is an element that may stand several times: the texts are joined, the last type and negate hold for all.
type expression struct {
	text    strings.Builder
	dialect pattern.Dialect
	negate  bool
	line    int
	bad     bool
}

func (d *definition) condition(p phase, c Condition) {
	d.conditions = append(d.conditions, phased{phase: p, c: c})
}

// sorted gives the conditions in order of trial.
func (d *definition) sorted() []Condition {
	slices.SortStableFunc(d.conditions, func(a, b phased) int { return int(a.phase) - int(b.phase) })
	out := make([]Condition, len(d.conditions))
	for i := range d.conditions {
		out[i] = d.conditions[i].c
	}
	return out
}

// correlated says whether earlier events matter.
func (d *definition) correlated() bool {
	if d.overwritten {
		return d.keepList > 0
	}
	return d.matchedSid > 0 || d.matchedGroup != "" || d.matchedRegex.line > 0
}

// textSpec says what an element with a pattern looks at.
type textSpec struct {
	phase   phase
	source  source
	dialect pattern.Dialect
}

// textSpecs lists the elements that test one text with a pattern.
var textSpecs = map[string]textSpec{
	"program_name": {phaseProgram, source{kind: fromProgram}, pattern.OSMatch},
	"id":           {phaseID, source{kind: fromStatic, slot: fields.ID}, pattern.OSMatch},
	"system_name":  {phaseSystemName, source{kind: fromStatic, slot: fields.SystemName}, pattern.OSMatch},
	"protocol":     {phaseProtocol, source{kind: fromStatic, slot: fields.Protocol}, pattern.OSMatch},
	"match":        {phaseMatch, source{kind: fromLog}, pattern.OSMatch},
	"regex":        {phaseRegex, source{kind: fromLog}, pattern.OSRegex},
	"action":       {phaseAction, source{kind: fromStatic, slot: fields.Action}, pattern.Exact},
	"url":          {phaseURL, source{kind: fromStatic, slot: fields.URL}, pattern.OSMatch},
	"location":     {phaseLocation, source{kind: fromLocation}, pattern.OSMatch},
	"srcport":      {phaseAddress, source{kind: fromStatic, slot: fields.SrcPort}, pattern.OSMatch},
	"dstport":      {phaseAddress, source{kind: fromStatic, slot: fields.DstPort}, pattern.OSMatch},
	"user":         {phaseUser, source{}, pattern.OSMatch},
	"srcgeoip":     {phaseGeo, source{kind: fromStatic, slot: fields.SrcGeoIP}, pattern.OSMatch},
	"dstgeoip":     {phaseGeo, source{kind: fromStatic, slot: fields.DstGeoIP}, pattern.OSMatch},
	"data":         {phaseData, source{kind: fromStatic, slot: fields.Data}, pattern.OSMatch},
	"extra_data":   {phaseExtraData, source{kind: fromStatic, slot: fields.ExtraData}, pattern.OSMatch},
	"hostname":     {phaseHostname, source{kind: fromHostname}, pattern.OSMatch},
	"status":       {phaseStatus, source{kind: fromStatic, slot: fields.Status}, pattern.OSMatch},
}
