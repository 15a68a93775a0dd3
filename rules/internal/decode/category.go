package decode

// Category is the kind of event that a decoder yields; it chooses the root of the rule walk.
type Category uint8

// The categories, in the order of the reference's root rules 1 to 9.
const (
	Syslog Category = iota
	Firewall
	IDS
	WebLog
	Squid
	Windows
	OSSEC
	HostInformation
	// NumCategories is the number of categories.
	NumCategories
)

var categoryNames = [NumCategories]string{"syslog", "firewall", "ids", "web-log", "squid", "windows", "ossec", "host-information"}

// String is the name in decoder and rule files.
func (c Category) String() string { return categoryNames[c] }

// ParseCategory reads the content of <type> or <category>.
func ParseCategory(name string) (Category, bool) {
	for i, n := range categoryNames {
		if n == name {
			return Category(i), true
		}
	}
	return Syslog, false
}
