package ingest

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"unicode"

	armorv1 "armor/proto/armor/v1"
)

// Limits of what an agent may send. Those of batches and bodies are the wire contract's; the others are generous.
const (
	maxEvents     = 1000
	maxBatchBytes = 2 << 20
	maxBody       = 1 << 20
	maxLocation   = 8 << 10
	maxSourceID   = 1 << 10
	maxLabels     = 64 << 10 // bytes of all names and values of an event
	maxName       = 255
	maxSpoolID    = 128
	maxVersion    = 128
	maxSequence   = 1 << 62
)

var agentIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func checkHello(h *armorv1.Hello) error {
	switch {
	case !agentIDPattern.MatchString(h.GetAgentId()):
		return fmt.Errorf("agent id %.100q: use 1 to 64 letters, digits, - and _", h.GetAgentId())
	case len(h.GetAgentName()) > maxName || !printable(h.GetAgentName()):
		return fmt.Errorf("agent name %.100q: use printable characters, at most %d bytes", h.GetAgentName(), maxName)
	case h.GetSpoolId() == "" || len(h.GetSpoolId()) > maxSpoolID || !printable(h.GetSpoolId()):
		return fmt.Errorf("spool id %.200q: use printable characters, 1 to %d bytes", h.GetSpoolId(), maxSpoolID)
	case len(h.GetVersion()) > maxVersion || !printable(h.GetVersion()):
		return fmt.Errorf("version %.200q: use printable characters, at most %d bytes", h.GetVersion(), maxVersion)
	case h.GetFirstSequence() > h.GetLastSequence():
		return fmt.Errorf("first sequence %d is after the last, %d", h.GetFirstSequence(), h.GetLastSequence())
	case h.GetLastSequence() > maxSequence:
		return fmt.Errorf("last sequence %d is over the limit of %d", h.GetLastSequence(), uint64(maxSequence))
	}
	if h.GetIp() != "" {
		if _, err := netip.ParseAddr(h.GetIp()); err != nil {
			return fmt.Errorf("ip %.100q is no address", h.GetIp())
		}
	}
	return nil
}

func printable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// checkBatch checks a batch by itself; size is that of its events, encoded.
func checkBatch(b *armorv1.EventBatch, size int) error {
	events := b.GetEvents()
	if len(events) == 0 {
		return errors.New("a batch without events")
	}
	if len(events) > maxEvents {
		return fmt.Errorf("a batch of %d events, at most %d are allowed", len(events), maxEvents)
	}
	first := events[0].GetSequence()
	if first == 0 || first > maxSequence {
		return fmt.Errorf("sequence %d: they go from 1 to %d", first, uint64(maxSequence))
	}
	for i, ev := range events {
		if ev.GetSequence() != first+uint64(i) {
			return fmt.Errorf("gap in the sequence: %d comes after %d", ev.GetSequence(), first+uint64(i)-1)
		}
		if err := checkEvent(ev); err != nil {
			return fmt.Errorf("event %d: %w", ev.GetSequence(), err)
		}
	}
	if size > maxBatchBytes && len(events) > 1 {
		return fmt.Errorf("a batch of %d bytes, at most %d are allowed for more than one event", size, maxBatchBytes)
	}
	return nil
}

func checkEvent(ev *armorv1.Event) error {
	switch {
	case len(ev.GetBody()) > maxBody:
		return fmt.Errorf("body of %d bytes, at most %d are allowed", len(ev.GetBody()), maxBody)
	case len(ev.GetLocation()) > maxLocation:
		return fmt.Errorf("location of %d bytes, at most %d are allowed", len(ev.GetLocation()), maxLocation)
	case len(ev.GetSourceId()) > maxSourceID:
		return fmt.Errorf("source id of %d bytes, at most %d are allowed", len(ev.GetSourceId()), maxSourceID)
	case ev.GetTime() != nil && !ev.GetTime().IsValid():
		return fmt.Errorf("time: %w", ev.GetTime().CheckValid())
	case ev.GetReadTime() != nil && !ev.GetReadTime().IsValid():
		return fmt.Errorf("read time: %w", ev.GetReadTime().CheckValid())
	}
	labels := 0
	for name, value := range ev.GetLabels() {
		labels += len(name) + len(value)
	}
	if labels > maxLabels {
		return fmt.Errorf("labels of %d bytes, at most %d are allowed", labels, maxLabels)
	}
	return nil
}
