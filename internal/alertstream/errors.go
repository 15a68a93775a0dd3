package alertstream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrClosed is the error of a Conn, Publisher, Consumer or Watch that was closed.
var ErrClosed = errors.New("alert stream is closed")

// PermanentError is an error that waiting does not mend: somebody has to change a setting.
type PermanentError struct {
	// Err says what is wrong and what to do.
	Err error
}

// Error gives the text of Err.
func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap gives Err.
func (e *PermanentError) Unwrap() error { return e.Err }

// IsPermanent tells whether waiting is of no use.
func IsPermanent(err error) bool {
	var p *PermanentError
	return errors.As(err, &p)
}

// MismatchError says that a stream exists with another setting than Armor needs. It comes inside a PermanentError.
type MismatchError struct {
	// Stream is its name, Setting the name of the setting as NATS tools show it.
	Stream, Setting string
	// Found is what the server has, Expected what Armor needs or the configuration says.
	Found, Expected string
}

// Error names all four and the remedy.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("stream %s: setting %s is %s, expected %s; change it with `nats stream edit %s`, or change Armor's configuration to what exists",
		e.Stream, e.Setting, e.Found, e.Expected, e.Stream)
}

// Codes of JetStream that the client library has no name for.
const (
	codeStreamSubjectOverlap = 10065
	codeStorageExceeded      = 10047
	codeMaxBytesRequired     = 10113
	codeMaxStreamBytes       = 10122
	codeReplicasUnsupported  = 10074
	codeInvalidConfig        = 10052
	codeHeaderTooLarge       = 10097
	codeStoreFailed          = 10077 // among others: the stream is full
)

// explainFull adds the remedy to a refusal because the stream is full.
func explainFull(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "maximum") {
		return fmt.Errorf("stream %s is full, and waits until alerts in it are finished (does an indexer run, and does its store take alerts?) or nats.max_bytes is raised: %w", AlertStream, err)
	}
	return err
}

// permanentCode tells whether an error of the JetStream API stays until somebody changes a setting.
func permanentCode(code jetstream.ErrorCode) bool {
	switch code {
	case codeStreamSubjectOverlap, codeStorageExceeded, codeMaxBytesRequired, codeMaxStreamBytes, codeReplicasUnsupported, codeInvalidConfig,
		jetstream.JSErrCodeJetStreamNotEnabled, jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		return true
	}
	return false
}

// classify wraps an error of the JetStream API: permanent where waiting does not help.
func classify(doing string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", doing, err)
	var mismatch *MismatchError
	var api *jetstream.APIError
	switch {
	case errors.As(err, &mismatch):
		return &PermanentError{wrapped}
	case errors.As(err, &api) && permanentCode(api.ErrorCode):
		return &PermanentError{wrapped}
	case errors.Is(err, nats.ErrNoResponders): // nobody serves JetStream's API
		return &PermanentError{fmt.Errorf("%s: %w; switch it on in the server's configuration (jetstream {})", doing, jetstream.ErrJetStreamNotEnabled)}
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return &PermanentError{wrapped}
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrPermissionViolation):
		return &PermanentError{wrapped}
	}
	return wrapped
}

func ended(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.Canceled)
}
