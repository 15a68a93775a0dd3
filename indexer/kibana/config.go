package kibana

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Config says how to reach Kibana.
type Config struct {
	// URL of Kibana, such as https://kibana.example.com:5601, with its base path where it has one.
	URL string
	// Space to work in; empty: the default one.
	Space string
	// User to log in as, with the password in PasswordFile.
	User string
	// PasswordFile holds the password.
	PasswordFile string
	// APIKeyFile holds an API key (the encoded form), instead of user and password.
	APIKeyFile string
	// CA is the file of the authorities (PEM) that Kibana's certificate is checked against; empty: the system's.
	CA string
	// Timeout of one request; 0: 60 seconds.
	Timeout time.Duration
	// Wait is how long to wait for a Kibana that starts, or is too busy; 0: not at all.
	Wait time.Duration
}

// spaceName is what Kibana allows.
var spaceName = regexp.MustCompile(`^[a-z0-9_-]{1,100}$`)

// CheckSpace says what is wrong with the name of a space; empty is the default space.
func CheckSpace(space string) error {
	if space != "" && !spaceName.MatchString(space) {
		return fmt.Errorf("space %q is not a space's identifier: small letters, digits, - and _, as in its address after /s/", space)
	}
	return nil
}

// Validate reports everything that is wrong with the settings, without touching the files they name.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		bad("no address of Kibana: name it, such as http://127.0.0.1:5601")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		bad("%q is not an address of Kibana: write http://host:port or https://host:port", strings.ReplaceAll(c.URL, "@", " at "))
	case u.User != nil:
		bad("the address of %s carries a user: give user and password file", u.Host)
	case u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Path, "/app/"):
		bad("the address %s is that of a page: leave out what follows the host and Kibana's base path", c.URL)
	case strings.Contains(u.Path, "/s/"):
		bad("the address %s names a space: leave it out, and give the space by itself", c.URL)
	}
	if err := CheckSpace(c.Space); err != nil {
		errs = append(errs, err)
	}
	switch {
	case c.APIKeyFile != "" && (c.User != "" || c.PasswordFile != ""):
		bad("there is an API key file beside user or password file: choose one of the two")
	case c.User != "" && c.PasswordFile == "":
		bad("there is a user and no password file: name the file of the password")
	case c.User == "" && c.PasswordFile != "":
		bad("there is a password file and no user: name the user")
	}
	if c.Timeout < 0 {
		bad("timeout %v: give a positive duration", c.Timeout)
	}
	if c.Wait < 0 {
		bad("wait %v: give a positive duration, or 0", c.Wait)
	}
	return errors.Join(errs...)
}
