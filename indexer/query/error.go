package query

import "fmt"

// Error says where a query is wrong, what is wrong, and what to write instead.
type Error struct {
	// Query as given.
	Query string
	// Pos is the offset of the mistake, in bytes.
	Pos int
	// Message says what is wrong and what to do.
	Message string
}

// Error prints the position counted from 1, and the message.
func (e *Error) Error() string { return fmt.Sprintf("query, position %d: %s", e.Pos+1, e.Message) }
