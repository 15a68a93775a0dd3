package alertstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

// Headers of a dead letter.
const (
	// HeaderReason is the reason as it was given; the subject has it as a token.
	HeaderReason = "Armor-Reason"
	// HeaderDetail says in words what went wrong.
	HeaderDetail = "Armor-Detail"
	// HeaderTime is when the letter was written, RFC 3339.
	HeaderTime = "Armor-Time"
	// HeaderLetter identifies a letter; its parts share it.
	HeaderLetter = "Armor-Letter"
	// HeaderPart is "n/m" where the bytes did not fit one message.
	HeaderPart = "Armor-Part"
	// HeaderSize is how many bytes the letter has in all its parts.
	HeaderSize = "Armor-Size"

	deadLetterPart = MaxAlertSize
	detailBytes    = 2 << 10
)

// DeadLetter keeps what could not be handled: the original bytes (in several messages where they are larger than 768 KiB),
// the reason (a short token such as mapping_error) and a detail in words (cut after 2 KiB). JetStream has acknowledged it when
// DeadLetter returns nil. It tries again until ctx ends; the same bytes for the same reason are kept once per duplicates
// window, so that a caller may simply call again.
func (c *Conn) DeadLetter(ctx context.Context, reason string, data []byte, detail string) error {
	return c.writeLetter(ctx, reason, data, detail, "", nil)
}

// DeadLetterOf is DeadLetter for a message that its reader cannot handle. Its letter is another one than that of the same
// bytes in another message, as when an alert was published anew.
func (c *Conn) DeadLetterOf(ctx context.Context, m *Message, reason, detail string) error {
	return c.writeLetter(ctx, reason, m.Data, detail, fmt.Sprintf("%d %d", m.Sequence, m.Stored.UnixNano()), nil)
}

// writeLetter keeps a letter. occasion tells letters of the same bytes and reason apart; more are further headers.
func (c *Conn) writeLetter(ctx context.Context, reason string, data []byte, detail, occasion string, more nats.Header) error {
	sum := sha256.New()
	for _, part := range []string{reason, occasion} {
		sum.Write([]byte(part))
		sum.Write([]byte{0})
	}
	sum.Write(data)
	id := hex.EncodeToString(sum.Sum(nil)[:16])
	subject := string(appendToken([]byte(deadLetterPrefix), reason))
	parts := max(1, (len(data)+deadLetterPart-1)/deadLetterPart)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for n := range parts {
		part := data[n*deadLetterPart : min(len(data), (n+1)*deadLetterPart)]
		header := nats.Header{
			headerMsgID:          {id + "-" + strconv.Itoa(n)},
			headerExpectedStream: {DeadLetterStream},
			HeaderReason:         {headerText(reason)},
			HeaderDetail:         {headerText(detail)},
			HeaderTime:           {now},
			HeaderLetter:         {id},
			HeaderSize:           {strconv.Itoa(len(data))},
		}
		maps.Copy(header, more)
		if parts > 1 {
			header[HeaderPart] = []string{fmt.Sprintf("%d/%d", n+1, parts)}
		}
		if err := c.store(ctx, &nats.Msg{Subject: subject, Header: header, Data: part}); err != nil {
			return fmt.Errorf("writing a dead letter (%s): %w", reason, err)
		}
	}
	c.metrics.deadLetters.WithLabelValues(string(appendToken(nil, reason))).Inc()
	c.letters.Say(c.log, slog.LevelError, "dead letter", "reason", reason, "bytes", len(data), "letter", id, "detail", headerText(detail))
	return nil
}

// store publishes a message and waits for its acknowledgement, again and again.
func (c *Conn) store(ctx context.Context, m *nats.Msg) error {
	for attempt := 0; ; attempt++ {
		err := c.storeOnce(ctx, m)
		if err == nil || IsPermanent(err) {
			return err
		}
		if attempt == 2 || attempt > 0 && attempt%20 == 0 {
			c.log.Warn("writing a dead letter fails, trying again", "attempt", attempt+1, "err", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last try: %w)", ctx.Err(), err)
		case <-c.life.Done():
			return ErrClosed
		case <-time.After(backOff(attempt, recoverFirst)):
		}
	}
}

func (c *Conn) storeOnce(ctx context.Context, m *nats.Msg) error {
	if _, err := c.jetStream(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.AckTimeout)
	defer cancel()
	answer, err := c.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return err
	}
	_, err = parseAck(answer)
	return err
}

// headerText makes one line of UTF-8 of at most 2 KiB, without control characters.
func headerText(s string) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	if len(s) > detailBytes {
		cut := detailBytes
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	return strings.TrimSpace(s)
}
