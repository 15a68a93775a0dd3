// Package fields holds what a decoder found in an event: a fixed slot for each static field and a list of dynamic
// ones, whose names are interned to numbers when the ruleset is loaded, so that no name is compared per event.
package fields

// Slot is the place of a static field.
type Slot int16

// The static fields.
const (
	SrcUser Slot = iota
	DstUser
	SrcIP
	DstIP
	SrcPort
	DstPort
	Protocol
	Action
	ID
	URL
	Data
	ExtraData
	Status
	SystemName
	SrcGeoIP
	DstGeoIP
	// NumSlots is the number of static fields.
	NumSlots
)

// None is no slot.
const None Slot = -1

var slotNames = [NumSlots]string{
	"srcuser", "dstuser", "srcip", "dstip", "srcport", "dstport", "protocol", "action", "id", "url", "data",
	"extra_data", "status", "system_name", "srcgeoip", "dstgeoip",
}

// String is the field's name as alerts show it.
func (s Slot) String() string {
	if s < 0 || s >= NumSlots {
		return ""
	}
	return slotNames[s]
}

// SlotOf finds a static field by name; user is dstuser.
func SlotOf(name string) Slot {
	switch name {
	case "srcuser":
		return SrcUser
	case "dstuser", "user":
		return DstUser
	case "srcip":
		return SrcIP
	case "dstip":
		return DstIP
	case "srcport":
		return SrcPort
	case "dstport":
		return DstPort
	case "protocol":
		return Protocol
	case "action":
		return Action
	case "id":
		return ID
	case "url":
		return URL
	case "data":
		return Data
	case "extra_data":
		return ExtraData
	case "status":
		return Status
	case "system_name":
		return SystemName
	case "srcgeoip":
		return SrcGeoIP
	case "dstgeoip":
		return DstGeoIP
	}
	return None
}

// SlotOfJSON finds the static field that a top-level JSON key fills.
func SlotOfJSON(key string) Slot {
	switch key {
	case "systemname":
		return SystemName
	case "system_name", "srcgeoip", "dstgeoip":
		return None
	}
	return SlotOf(key)
}
