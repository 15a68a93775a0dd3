package rules

// Evaluation is the reusable working memory of one event. It must not be used by two goroutines at once.
type Evaluation struct {
	ev      Event
	verdict Verdict
}

func (x *Evaluation) field(string) (string, bool) { return "", false }

func (x *Evaluation) appendData(dst []byte) []byte { return append(dst, '{', '}') }
