package store

import (
	"errors"
	"fmt"
)

// PermanentError says that doing the same again cannot succeed: a person has to change something.
type PermanentError struct {
	// Err says what is wrong and what to do.
	Err error
}

// Permanent makes an error that it makes no sense to retry after.
func Permanent(format string, args ...any) error {
	return &PermanentError{Err: fmt.Errorf(format, args...)}
}

// Error is the text of the error inside.
func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap gives the error inside.
func (e *PermanentError) Unwrap() error { return e.Err }

// IsPermanent tells whether it makes no sense to do the same again.
func IsPermanent(err error) bool {
	var p *PermanentError
	return errors.As(err, &p)
}

// RequestError says that a question makes no sense, whoever is asked: the caller has to ask otherwise.
type RequestError struct {
	// Message says what is wrong and what to do.
	Message string
}

// Error is the message.
func (e *RequestError) Error() string { return e.Message }

// badRequest makes a RequestError.
func badRequest(format string, args ...any) error {
	return &RequestError{Message: fmt.Sprintf(format, args...)}
}
