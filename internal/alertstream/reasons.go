package alertstream

// Reasons of dead letters, by what their bytes are.
const (
	// ReasonUndecodable: what stood in the stream is no alert.
	ReasonUndecodable = "undecodable"
	// ReasonRejected: the alert store will never take the alert.
	ReasonRejected = "rejected"
	// ReasonUnmappable: the alert store cannot map the alert, not even with its data set aside.
	ReasonUnmappable = "unmappable"

	// ReasonPanic: the rule engine failed on the event.
	ReasonPanic = "engine_panic"
	// ReasonUnpublishable: the event's alert can never be published.
	ReasonUnpublishable = "unpublishable_alert"
)

// LetterKind is what the bytes of a dead letter are.
type LetterKind uint8

// Kinds of dead letters.
const (
	// UnknownLetter has a reason that this version does not know.
	UnknownLetter LetterKind = iota
	// AlertLetter holds an armor.v1.Alert, or what came in place of one.
	AlertLetter
	// EventLetter holds an armor.v1.Event.
	EventLetter
)

// Kind tells by the reason what the bytes are.
func (l *Letter) Kind() LetterKind {
	switch l.Reason {
	case ReasonUndecodable, ReasonRejected, ReasonUnmappable:
		return AlertLetter
	case ReasonPanic, ReasonUnpublishable:
		return EventLetter
	}
	return UnknownLetter
}
