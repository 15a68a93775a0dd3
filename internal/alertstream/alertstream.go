// Package alertstream is the NATS contract in one place: an alert that was handed over is in the stream once, or the caller
// is told so; an alert that was taken out is given again until it is acknowledged.
//
// Names that everybody shares:
//
//	stream ARMOR_ALERTS        subjects armor.alerts.<level>.<rule id>.<agent id>, payload armor.v1.Alert, Nats-Msg-Id = alert id
//	stream ARMOR_DEAD_LETTERS  subjects armor.deadletters.<reason>, payload = the original bytes
//	stream ARMOR_JOURNAL       subjects armor.journal.<agent id>, payload armor.v1.JournalRecord
//	KV bucket ARMOR_AGENTS     key = agent id, value armor.v1.Agent
//	object store ARMOR_STATE   name = manager's name, content = snapshot of what its engine remembers
package alertstream

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	armorv1 "armor/proto/armor/v1"
)

const (
	// AlertStream holds the alerts that are not finished, and a history of those that are.
	AlertStream = "ARMOR_ALERTS"
	// DeadLetterStream holds what could not be handled.
	DeadLetterStream = "ARMOR_DEAD_LETTERS"
	// JournalStream holds how far agents are finished, and what managers remember since their last snapshots.
	JournalStream = "ARMOR_JOURNAL"
	// SnapshotBucket holds the managers' snapshots.
	SnapshotBucket = "ARMOR_STATE"
	// AgentBucket holds a record per agent.
	AgentBucket = "ARMOR_AGENTS"

	alertSubjects      = "armor.alerts.*.*.*"
	alertPrefix        = "armor.alerts."
	deadLetterSubjects = "armor.deadletters.*"
	deadLetterPrefix   = "armor.deadletters."
	journalSubjects    = "armor.journal.*"
	journalPrefix      = "armor.journal."

	// MaxAlertSize is the largest encoded alert in bytes; the full log of a larger one is cut.
	MaxAlertSize = 768 << 10
	// minPayload is what the server must take in one message: an alert and its headers.
	minPayload = MaxAlertSize + 4<<10
)

// Subject gives the subject that an alert is published on.
func Subject(a *armorv1.Alert) string {
	b := make([]byte, 0, 64)
	b = append(b, alertPrefix...)
	b = strconv.AppendUint(b, uint64(a.GetRule().GetLevel()), 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(a.GetRule().GetId()), 10)
	b = append(b, '.')
	return string(appendToken(b, a.GetAgent().GetId()))
}

// appendToken appends s as one NATS token: other characters than letters, digits, - and _ become _, and an empty one is _.
func appendToken(b []byte, s string) []byte {
	if s == "" {
		return append(b, '_')
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			b = append(b, c)
		default:
			b = append(b, '_')
		}
	}
	return b
}

// levelOf gives the level that stands in an alert's subject.
func levelOf(subject string) (int, bool) {
	rest, ok := strings.CutPrefix(subject, alertPrefix)
	if !ok {
		return 0, false
	}
	level, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(level)
	return n, err == nil
}

// backOffMost is the longest wait between two attempts.
const backOffMost = 5 * time.Second

// backOff gives the wait before attempt n (from 0): doubling from first to backOffMost, with a random half taken off.
func backOff(n int, first time.Duration) time.Duration {
	d := backOffMost
	if n < 30 && first<<n < backOffMost {
		d = first << n
	}
	return d/2 + rand.N(d/2+1)
}
