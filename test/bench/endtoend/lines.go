package endtoend

import (
	"fmt"
	"strconv"
	"strings"

	"armor/rules"
)

// alertEvery is how many lines there are to each one that raises an alert: 10 %.
const alertEvery = 10

// quiet are lines that raise no alert, as a server writes them; each @ is a number that changes from line to line.
var quiet = [alertEvery - 1]string{
	`198.51.100.23 - - [24/Nov/2026:13:09:34 +0000] "GET /index.html HTTP/1.1" 200 @ "-" "Mozilla/5.0 (X11; Linux x86_64)"`,
	`Nov 24 13:09:34 web12 CRON[@]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)`,
	`Nov 24 13:09:34 web04 kernel: [@.061818] IPTables-Dropped: IN=eth0 OUT= MAC=00:11:22 SRC=203.0.113.98 DST=10.0.0.1 LEN=40 TOS=0x00 PROTO=TCP SPT=17251 DPT=22`,
	`Nov 24 13:09:34 web04 systemd[1]: Started Session @ of user www.`,
	`203.0.113.75 - - [24/Nov/2026:13:09:34 +0000] "GET /api/v1/users?id=@ HTTP/1.1" 304 40533 "-" "Mozilla/5.0 (X11; Linux x86_64)"`,
	`Nov 24 13:09:34 web04 postfix/qmgr[812]: 4F@: from=<shop@example.com>, size=1234, nrcpt=1 (queue active)`,
	`Nov 24 13:09:34 web07 sshd[@]: Received disconnect from 198.51.100.160 port 46590:11: Bye Bye [preauth]`,
	`Nov 24 13:09:34 web04 systemd-logind[512]: New session @ of user www.`,
	`Nov 24 13:09:34 web04 dhclient[@]: DHCPACK of 10.0.0.5 from 10.0.0.1`,
}

// What stands around the number of a line that raises an alert: a refused password, each from an address of its own, so that no
// correlation of one address begins.
const (
	alertHead = "Nov 24 13:09:34 web07 sshd["
	alertTail = "]: Failed password for backup from "
)

// appendLine appends line i, counted from 0, with its end. Every alertEvery-th raises an alert and carries its number i/alertEvery.
func appendLine(dst []byte, i uint64) []byte {
	n, kind := i/alertEvery, i%alertEvery
	if kind < alertEvery-1 {
		before, after, _ := strings.Cut(quiet[kind], "@")
		dst = append(dst, before...)
		dst = strconv.AppendUint(dst, n, 10)
		dst = append(dst, after...)
		return append(dst, '\n')
	}
	dst = append(dst, alertHead...)
	dst = strconv.AppendUint(dst, n, 10)
	dst = append(dst, alertTail...)
	address := uint32(n+1) * 2654435761 // a permutation of all addresses
	dst = strconv.AppendUint(dst, uint64(1+address>>24%223), 10)
	for _, shift := range []uint{16, 8, 0} {
		dst = append(dst, '.')
		dst = strconv.AppendUint(dst, uint64(address>>shift&0xff), 10)
	}
	return append(dst, " port 39217 ssh2\n"...)
}

// lineNumber reads the number of an alert out of anything that holds its line.
func lineNumber(alert []byte) (uint64, bool) {
	_, rest, ok := strings.Cut(string(alert), alertHead)
	if !ok {
		return 0, false
	}
	digits, _, ok := strings.Cut(rest, alertTail)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// checked is how many lines are tried on a ruleset before it is measured with them.
const checked = 20_000

// CheckLines says whether a ruleset raises the alerts that the lines are to raise, and no others: else the ledger of a
// measurement could not be right.
func CheckLines(rs *rules.Ruleset) error {
	engine := rules.NewEngine(rs, rules.EngineOptions{})
	var line []byte
	for i := range uint64(checked) {
		line = appendLine(line[:0], i)
		text := string(line[:len(line)-1])
		v := engine.Evaluate(&rules.Event{AgentID: "001", AgentName: "bench", Location: "bench.log", Log: text})
		if want := i%alertEvery == alertEvery-1; v.Alert != want {
			return fmt.Errorf("this ruleset does not suit the measurement, of whose lines every tenth is to raise an alert: alert %t for %q", v.Alert, text)
		}
	}
	return nil
}
