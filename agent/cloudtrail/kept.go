package cloudtrail

import "sync"

// kept is the state of a file or object that goes with the next batch. It is never ahead of the events in that batch.
type kept[P any] struct {
	mu    sync.Mutex
	state P
	gone  bool // nothing is kept any more
}

func (k *kept[P]) set(state P) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state, k.gone = state, false
}

func (k *kept[P]) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = true
}

// data is the state as encode writes it; nil when it is gone.
func (k *kept[P]) data(encode func(P) []byte) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone {
		return nil
	}
	return encode(k.state)
}
