package daemon

import (
	"runtime/debug"
	"strings"
)

// Version is the version of the running program as the Go tool recorded it: the tag, or a version made of commit and time,
// with +dirty for a changed work tree; "devel" where it was built without that record.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}
