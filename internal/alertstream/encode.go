package alertstream

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

// keepLog is how much of the full log, in bytes, is kept before other parts of an alert are given up.
const keepLog = 16 << 10

// Encode gives the bytes of an alert, at most MaxAlertSize: of a larger one the full log is cut and full_log_truncated set.
// Should that not be enough, earlier logs go from the oldest on, and then the decoded fields, which cannot be cut in the
// middle. cut says what was given up ("" for nothing). The alert itself is not changed.
func Encode(a *armorv1.Alert) (data []byte, cut string, err error) {
	size := proto.Size(a)
	if size > MaxAlertSize {
		a, cut = shrink(a)
		size = proto.Size(a)
	}
	data, err = proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(make([]byte, 0, size), a)
	if err != nil {
		return nil, cut, &PermanentError{fmt.Errorf("encoding alert %s: %w", a.GetId(), err)}
	}
	if len(data) > MaxAlertSize {
		return nil, cut, &PermanentError{fmt.Errorf("alert %s has %d bytes without its log and fields, at most %d are possible", a.GetId(), len(data), MaxAlertSize)}
	}
	return data, cut, nil
}

// shrink gives a copy that fits, as far as it can be made to.
func shrink(a *armorv1.Alert) (*armorv1.Alert, string) {
	whole := a.FullLog
	a = shallow(a)
	a.FullLogTruncated = true
	cut := "full_log"
	excess := func() int { return proto.Size(a) - MaxAlertSize }
	cutLog := func(least int) {
		if keep := max(len(a.FullLog)-excess(), least); keep < len(a.FullLog) {
			a.FullLog = a.FullLog[:keep]
		}
	}
	cutLog(keepLog)
	for excess() > 0 && len(a.PreviousOutput) > 0 {
		a.PreviousOutput = a.PreviousOutput[:len(a.PreviousOutput)-1]
		cut = "previous_output"
	}
	if excess() > 0 && len(a.Data) > 0 {
		// The log holds what the fields were decoded from: it gets the room instead.
		a.Data, a.FullLog, cut = nil, whole, "data"
	}
	if excess() > 0 {
		cutLog(0)
	}
	return a, cut
}

// shallow copies an alert without its parts.
func shallow(a *armorv1.Alert) *armorv1.Alert {
	return &armorv1.Alert{
		Id: a.Id, Time: a.Time, ReadTime: a.ReadTime, DetectedTime: a.DetectedTime, Rule: a.Rule, Agent: a.Agent,
		ManagerName: a.ManagerName, Decoder: a.Decoder, Predecoder: a.Predecoder, Location: a.Location, FullLog: a.FullLog,
		FullLogTruncated: a.FullLogTruncated, PreviousOutput: a.PreviousOutput, Data: a.Data, Context: a.Context,
		SpoolId: a.SpoolId, Sequence: a.Sequence,
	}
}

// Decode reads an alert out of its bytes.
func Decode(data []byte) (*armorv1.Alert, error) {
	a := new(armorv1.Alert)
	if err := proto.Unmarshal(data, a); err != nil {
		return nil, &PermanentError{fmt.Errorf("decoding an alert of %d bytes: %w", len(data), err)}
	}
	if a.GetId() == "" || a.GetRule() == nil {
		return nil, &PermanentError{fmt.Errorf("decoding an alert of %d bytes: it has no id or no rule", len(data))}
	}
	return a, nil
}
