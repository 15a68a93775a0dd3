// Package layout knows how CloudTrail lays its files down in a bucket: what a key says of its account, region and day, whether it is
// a log or something else, and which prefixes a span of days has.
package layout

import (
	"path"
	"regexp"
	"strings"
	"time"
)

// Kind says what an object is by its key.
type Kind int

// Kinds.
const (
	// Other is whatever CloudTrail's logs are not: Config, VPC flow logs, insights, pictures.
	Other Kind = iota
	// Log holds records.
	Log
	// Digest names the logs of an hour, with their hashes.
	Digest
)

// Key is what an object's key says.
type Key struct {
	Kind Kind
	// Root is all before AWSLogs/, with its slash.
	Root string
	// Organization is empty for the trail of one account.
	Organization string
	// Account and Region whose events it holds; for a digest, whose files it names.
	Account, Region string
	// Day is the one whose folder it is in, in UTC.
	Day time.Time
	// Time is in the name: when the file was begun, to the minute; zero if the name has none.
	Time time.Time
}

const digestFolder = "CloudTrail-Digest"

var (
	laidDown = regexp.MustCompile(`^(|.*/)AWSLogs/(?:[^/]+/)*?(?:(o-[a-z0-9]{1,64})/)?(\d{12})/(CloudTrail|CloudTrail-Digest)/([a-z0-9-]+)/(\d{4})/(\d{2})/(\d{2})/([^/]+)$`)
	stamped  = regexp.MustCompile(`_(\d{8}T\d{4}(?:\d{2})?Z)[_.]`)
)

// Parse reads an object's key. ok is false, and the Kind Other, if CloudTrail does not lay down logs or digests so.
func Parse(key string) (k Key, ok bool) {
	m := laidDown.FindStringSubmatch(key)
	if m == nil {
		return Key{}, false
	}
	day, err := time.Parse("2006/01/02", m[6]+"/"+m[7]+"/"+m[8])
	name := strings.TrimSuffix(strings.ToLower(m[9]), ".gz")
	if err != nil || !strings.HasSuffix(name, ".json") || strings.HasPrefix(name, ".") {
		return Key{}, false
	}
	k = Key{Kind: Log, Root: m[1], Organization: m[2], Account: m[3], Region: m[5], Day: day}
	if m[4] == digestFolder {
		k.Kind = Digest
	}
	k.Time = stampIn(m[9])
	return k, true
}

// stampIn is the last time in a name: a digest's name may hold a trail's name, which may hold anything.
func stampIn(name string) (at time.Time) {
	for _, m := range stamped.FindAllStringSubmatch(name, -1) {
		for _, form := range []string{"20060102T1504Z", "20060102T150405Z"} {
			if t, err := time.Parse(form, m[1]); err == nil {
				at = t
			}
		}
	}
	return at
}

// At is when the file was begun, as far as its key says.
func (k Key) At() time.Time {
	if k.Time.IsZero() {
		return k.Day
	}
	return k.Time
}

// Place is one account's and region's part of a bucket.
type Place struct {
	// Prefix is all before the year, with its slash.
	Prefix string
	// Account and Region of it.
	Account, Region string
}

// From is the last key before those of a day: a listing after it begins with that day.
func (p Place) From(day time.Time) string {
	return p.Prefix + day.UTC().Format("2006/01/02")
}

// IsAccount says whether a folder is named by an account.
func IsAccount(folder string) bool {
	if len(folder) != 12 {
		return false
	}
	return strings.Trim(folder, "0123456789") == ""
}

// IsOrganization says whether a folder is named by an organization.
func IsOrganization(folder string) bool {
	return strings.HasPrefix(folder, "o-") && !strings.Contains(folder, "/")
}

// Folder is the last folder of a prefix that ends in a slash.
func Folder(prefix string) string { return path.Base(strings.TrimSuffix(prefix, "/")) }
