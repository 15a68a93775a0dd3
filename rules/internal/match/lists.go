package match

import (
	"armor/rules/internal/list"
	"armor/rules/internal/pattern"
)

// lookup is the way a <list> condition uses its list.
type lookup uint8

const (
	matchKey lookup = iota
	notMatchKey
	matchKeyValue
	addressMatchKey
	notAddressMatchKey
	addressMatchKeyValue
)

var lookups = map[string]lookup{
	"match_key":               matchKey,
	"not_match_key":           notMatchKey,
	"match_key_value":         matchKeyValue,
	"address_match_key":       addressMatchKey,
	"not_address_match_key":   notAddressMatchKey,
	"address_match_key_value": addressMatchKeyValue,
}

// inList holds when a field is (or is not) a key of a list, or its value there matches. Example:
// <list field="srcip" lookup="address_match_key">etc/lists/bad</list>
type inList struct {
	source source
	user   bool
	list   *list.List
	lookup lookup
	value  pattern.Matcher // check_value
}

func (c *inList) test(x *Context) bool {
	var text string
	var ok bool
	if c.user {
		text, ok = x.userNameForLists()
	} else {
		text, ok = c.source.of(x)
	}
	if !ok {
		return false
	}
	switch c.lookup {
	case matchKey:
		_, found := c.list.Get(text)
		return found
	case notMatchKey:
		_, found := c.list.Get(text)
		return !found
	case matchKeyValue:
		v, found := c.list.Get(text)
		return found && c.value.Test(v, &x.Event.Scratch)
	case addressMatchKey:
		_, found := c.list.GetAddress(text)
		return found
	case notAddressMatchKey:
		_, found := c.list.GetAddress(text)
		return !found
	default:
		// As the reference has it: holds when the address is not found or its value does not match.
		v, found := c.list.GetAddress(text)
		return !found || !c.value.Test(v, &x.Event.Scratch)
	}
}
