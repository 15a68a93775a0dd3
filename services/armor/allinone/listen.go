package allinone

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// AddressError says that an address cannot be listened on, and which flag names another.
type AddressError struct{ err error }

func (e *AddressError) Error() string { return e.err.Error() }
func (e *AddressError) Unwrap() error { return e.err }

// addressError explains why an address cannot be had; other errors stay as they are.
func addressError(err error, what, address, flag string) error {
	var network *net.OpError
	if !errors.As(err, &network) {
		return err
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return &AddressError{fmt.Errorf("%s cannot listen on %s: another process has that address; choose another with %s, port 0 takes a free one", what, address, flag)}
	}
	return &AddressError{fmt.Errorf("%s cannot listen on %s: %w (%s chooses another)", what, address, err, flag)}
}
