package testenv

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// CorpusSize is how many lines the corpora of the published figures have.
const CorpusSize = 200_000

// Corpora lists the names that Corpus knows: syslog (generated lines of sshd, sudo, cron, kernel and a web server), ini
// (the log lines of the reference's own tests, over and over) and mixed (one of each in turn).
func Corpora() []string { return []string{"syslog", "ini", "mixed"} }

// Corpus makes n lines to measure the engine on. The same name and n always give the same lines.
func Corpus(t testing.TB, name string, n int) []string {
	t.Helper()
	data := ""
	if name != "syslog" {
		data = Data(t)
	}
	lines, err := MakeCorpus(name, n, data)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// MakeCorpus is Corpus for programs. data is the folder of the shared test data, which syslog does without.
func MakeCorpus(name string, n int, data string) ([]string, error) {
	switch name {
	case "syslog":
		return syslogCorpus(n), nil
	case "ini":
		lines, err := iniLines(data)
		if err != nil {
			return nil, err
		}
		return cycle(lines, n), nil
	case "mixed":
		b, err := MakeCorpus("ini", n/2, data)
		if err != nil {
			return nil, err
		}
		return Interleave(syslogCorpus((n+1)/2), b), nil
	}
	return nil, fmt.Errorf("no corpus %q; there are %v", name, Corpora())
}

// Interleave takes a line of a and one of b in turn; a has as many as b, or one more.
func Interleave(a, b []string) []string {
	lines := make([]string, 0, len(a)+len(b))
	for i := range a {
		lines = append(lines, a[i])
		if i < len(b) {
			lines = append(lines, b[i])
		}
	}
	return lines
}

func cycle(lines []string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = lines[i%len(lines)]
	}
	return out
}

// iniLines gives the log lines of the reference's test files, in the order of files and lines.
func iniLines(data string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(data, "wazuh-tests", "*.ini"))
	if err != nil {
		return nil, fmt.Errorf("reading the lines of the tests: %w", err)
	}
	slices.Sort(files)
	var lines []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the lines of the tests: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			key, log, ok := strings.Cut(line, "=")
			if log = strings.TrimSpace(log); ok && log != "" && strings.HasPrefix(key, "log ") {
				lines = append(lines, log)
			}
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("there are no log lines in %d .ini files below %s", len(files), data)
	}
	return lines, nil
}

// syslogCorpus makes lines as a small server park writes them.
func syslogCorpus(n int) []string {
	g := syslogMaker{rand.New(rand.NewPCG(7, 7))}
	lines := make([]string, n)
	for i := range lines {
		switch x := g.Float64(); {
		case x < 0.35:
			lines[i] = g.sshd()
		case x < 0.45:
			lines[i] = g.sudo()
		case x < 0.80:
			lines[i] = g.web()
		case x < 0.90:
			lines[i] = fmt.Sprintf("%s CRON[%d]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)", g.head(), g.number(100, 30000))
		default:
			lines[i] = fmt.Sprintf("%s kernel: [%d.%06d] IPTables-Dropped: IN=eth0 OUT= MAC=00:11:22 SRC=%s DST=10.0.0.1 LEN=40 TOS=0x00 PROTO=TCP SPT=%d DPT=22",
				g.head(), g.number(1, 99999), g.number(0, 999999), g.address(), g.number(1024, 65535))
		}
	}
	return lines
}

type syslogMaker struct{ *rand.Rand }

// number is between two bounds, both included.
func (g syslogMaker) number(low, high int) int { return low + g.IntN(high-low+1) }

func (g syslogMaker) one(of ...string) string { return of[g.IntN(len(of))] }

func (g syslogMaker) address() string {
	return fmt.Sprintf("%d.%d.%d.%d", g.number(1, 223), g.number(0, 255), g.number(0, 255), g.number(1, 254))
}

func (g syslogMaker) clock() string {
	return fmt.Sprintf("%02d:%02d:%02d", g.number(0, 23), g.number(0, 59), g.number(0, 59))
}

func (g syslogMaker) head() string {
	return fmt.Sprintf("Nov 23 %s web%02d", g.clock(), g.number(1, 20))
}

func (g syslogMaker) user() string {
	return g.one("root", "admin", "oracle", "alice", "bob", "postgres", "test", "www")
}

func (g syslogMaker) sshd() string {
	user, port := g.user(), g.number(1024, 65535)
	var text string
	switch x := g.Float64(); {
	case x < 0.4:
		text = fmt.Sprintf("Failed password for %s from %s port %d ssh2", user, g.address(), port)
	case x < 0.6:
		text = fmt.Sprintf("Failed password for invalid user %s from %s port %d ssh2", user, g.address(), port)
	case x < 0.8:
		text = fmt.Sprintf("Accepted publickey for %s from %s port %d ssh2: RSA SHA256:abcdef", user, g.address(), port)
	case x < 0.9:
		text = fmt.Sprintf("Received disconnect from %s port %d:11: Bye Bye [preauth]", g.address(), port)
	default:
		text = fmt.Sprintf("pam_unix(sshd:session): session opened for user %s by (uid=0)", user)
	}
	return fmt.Sprintf("%s sshd[%d]: %s", g.head(), g.number(100, 30000), text)
}

func (g syslogMaker) sudo() string {
	user := g.user()
	return fmt.Sprintf("%s sudo: %8s : TTY=pts/%d ; PWD=/home/%s ; USER=root ; COMMAND=/usr/bin/%s", g.head(), user, g.number(0, 9), user,
		g.one("apt update", "cat /etc/passwd", "systemctl restart nginx", "vi /etc/hosts"))
}

func (g syslogMaker) web() string {
	path := g.one("/index.html", "/wp-login.php", "/images/logo.png", fmt.Sprintf("/api/v1/users?id=%d", g.number(1, 999)), "/admin/config.php",
		"/?q=%27%20UNION%20SELECT%201", "/static/app.js")
	return fmt.Sprintf(`%s - - [23/Nov/2026:%s +0000] "%s %s HTTP/1.1" %s %d "-" "Mozilla/5.0 (X11; Linux x86_64)"`, g.address(), g.clock(),
		g.one("GET", "GET", "POST"), path, g.one("200", "200", "200", "304", "404", "403", "500"), g.number(100, 90000))
}
