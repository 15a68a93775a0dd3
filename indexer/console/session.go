package console

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const cookieLife = 30 * 24 * time.Hour

// page answers for "/": it takes the token out of the address, and shows the page to those who are known.
func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	creds, err := c.token.credentials()
	if err != nil {
		c.log.Error("console cannot check access", "error", err)
		http.Error(w, "The console cannot read its access token; its log has the reason.", http.StatusServiceUnavailable)
		return
	}
	query := r.URL.Query()
	if token := query.Get("token"); token != "" && sameSecret(token, creds.token) {
		http.SetCookie(w, &http.Cookie{
			Name: creds.cookieName, Value: creds.cookieValue, Path: "/", MaxAge: int(cookieLife / time.Second),
			HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
		})
		query.Del("token")
		to := "/"
		if rest := query.Encode(); rest != "" {
			to += "?" + rest
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	if !known(r, creds) {
		c.unauthorized(w, r)
		return
	}
	c.assets.servePage(w, r, "index.html", http.StatusOK)
}

// admitAPI answers a request to the API itself when it must not go on.
func (c *Console) admitAPI(w http.ResponseWriter, r *http.Request) bool {
	if crossSite(r) {
		writeJSONError(w, http.StatusForbidden, apiError{Kind: kindSession, Message: "Pages of other origins get no answer here."})
		return false
	}
	creds, err := c.token.credentials()
	if err != nil {
		c.log.Error("console cannot check access", "error", err)
		writeJSONError(w, http.StatusServiceUnavailable, apiError{Kind: kindOther, Message: "The console cannot read its access token; its log has the reason."})
		return false
	}
	if !known(r, creds) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="armor console"`)
		writeJSONError(w, http.StatusUnauthorized, apiError{Kind: kindSession, Message: "No valid session. Open the console with the address that it printed when it started."})
		return false
	}
	return true
}

// unauthorized shows the page that says how to get in. A link from another site arrives without the SameSite=Strict cookie even for those who have
// it; the page's own link to itself then brings the cookie along.
func (c *Console) unauthorized(w http.ResponseWriter, r *http.Request) {
	c.assets.servePage(w, r, "unauthorized.html", http.StatusUnauthorized)
}

// known reports whether the request comes with the session cookie, the token itself (for scripts), or an operator's client certificate.
func known(r *http.Request, creds credentials) bool {
	if operatorCertificate(r.TLS) {
		return true
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return sameSecret(token, creds.token)
	}
	for _, cookie := range r.CookiesNamed(creds.cookieName) {
		if sameSecret(cookie.Value, creds.cookieValue) {
			return true
		}
	}
	return false
}

// operatorCertificate reports whether a verified client certificate names an operator. Those of agents and services open nothing here.
func operatorCertificate(state *tls.ConnectionState) bool {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return false
	}
	for _, uri := range state.VerifiedChains[0][0].URIs {
		if uri.Scheme == "armor" && uri.Host == "operator" && len(uri.Path) > 1 {
			return true
		}
	}
	return false
}

func quoteHost(host string) string {
	const most = 100
	if len(host) > most {
		return fmt.Sprintf("%s (cut, %d bytes)", strconv.QuoteToASCII(host[:most]), len(host))
	}
	return strconv.QuoteToASCII(host)
}
