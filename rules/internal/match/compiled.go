package match

import (
	"strings"

	"armor/rules/internal/fields"
)

// compiledRules lists the tests that <compiled_rule> names.
var compiledRules = map[string]func(*Context) bool{
	"is_simple_http_request":                isSimpleHTTPRequest,
	"is_valid_crawler":                      isValidCrawler,
	"comp_srcuser_dstuser":                  usersMatch,
	"check_id_size":                         hasLongID,
	"comp_mswin_targetuser_calleruser_diff": windowsUsersDiffer,
}

// compiled is a test that is code. Example: <compiled_rule>is_simple_http_request</compiled_rule>
type compiled struct {
	name  string
	holds func(*Context) bool
}

func (c compiled) test(x *Context) bool { return c.holds(x) }

// isSimpleHTTPRequest holds for a request without a query.
func isSimpleHTTPRequest(x *Context) bool {
	url, ok := x.Event.Fields.Static(fields.URL)
	return ok && !strings.Contains(url, "?")
}

// crawlerNetworks are address blocks that search engines' crawlers come from. The answer is taken from the address
// alone: no name is looked up.
var crawlerNetworks = []string{"66.249.", "72.14.", "209.85.", "65.55.", "207.46.", "74.6.", "72.30.", "67.195."}

// isValidCrawler holds for requests from a known crawler's address.
func isValidCrawler(x *Context) bool {
	ip, ok := x.Event.Fields.Static(fields.SrcIP)
	if !ok {
		return false
	}
	for _, n := range crawlerNetworks {
		if strings.HasPrefix(ip, n) {
			return true
		}
	}
	return false
}

// usersMatch holds when srcuser and dstuser are both there and equal.
func usersMatch(x *Context) bool {
	a, okA := x.Event.Fields.Static(fields.SrcUser)
	b, okB := x.Event.Fields.Static(fields.DstUser)
	return okA && okB && a == b
}

// hasLongID holds when the id has ten characters or more.
func hasLongID(x *Context) bool {
	id, ok := x.Event.Fields.Static(fields.ID)
	return ok && len(id) >= 10
}

// windowsUsersDiffer holds when a Windows account event names different target and caller users.
func windowsUsersDiffer(x *Context) bool {
	target, okA := textAfter(x.Event.Log, "Target User Name:")
	if !okA {
		target, okA = textAfter(x.Event.Log, "Target Account Name:")
	}
	caller, okB := textAfter(x.Event.Log, "Caller User Name:")
	return okA && okB && !strings.EqualFold(target, caller)
}

// textAfter gives the word behind a label.
func textAfter(s, label string) (string, bool) {
	i := strings.Index(s, label)
	if i < 0 {
		return "", false
	}
	f := strings.Fields(s[i+len(label) : min(len(s), i+len(label)+512)])
	if len(f) == 0 {
		return "", false
	}
	return f[0], true
}

// userName is dstuser, else srcuser.
func (x *Context) userName() (string, bool) {
	if v, ok := x.Event.Fields.Static(fields.DstUser); ok {
		return v, true
	}
	return x.Event.Fields.Static(fields.SrcUser)
}

// userNameForLists is srcuser, else dstuser: lists look the other way round.
func (x *Context) userNameForLists() (string, bool) {
	if v, ok := x.Event.Fields.Static(fields.SrcUser); ok {
		return v, true
	}
	return x.Event.Fields.Static(fields.DstUser)
}
