package console

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// contentPolicy lets the page load its own files and nothing else: no inline script or style, no foreign origin, no frames. Trusted Types make the
// browser refuse any text turned into markup, whatever the page's code does.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// hostList holds the host names (lower case) that requests may be for: a name alone allows every port.
type hostList map[string]bool

func newHostList(allowed []string) hostList {
	list := hostList{}
	for _, h := range allowed {
		list[strings.ToLower(strings.TrimSuffix(h, "."))] = true
	}
	return list
}

// allows reports whether a request with this Host header may be answered: loopback names always, others when listed.
func (l hostList) allows(hostport string) bool {
	hostport = strings.ToLower(hostport)
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	bare := strings.Trim(host, "[]")
	if bare == "localhost" || l[hostport] || l[host] || l[bare] {
		return true
	}
	ip := net.ParseIP(bare)
	return ip != nil && ip.IsLoopback()
}

// crossSite reports whether the browser says that the request was caused by a page of another origin.
func crossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host)
}
