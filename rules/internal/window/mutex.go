package window

import "sync"

// mutex is held for a microsecond or two at a time, by every event that changes the memory. Goroutines that sleep and are
// woken for so short a time run one after the other even where each has a CPU, so whoever finds it taken looks again for
// some microseconds before it sleeps.
type mutex struct{ sync.Mutex }

// looks is how often a taken mutex is looked at: some 20 µs, several times as long as it is held.
const looks = 1 << 14

func (m *mutex) Lock() {
	for range looks {
		if m.TryLock() {
			return
		}
	}
	m.Mutex.Lock()
}
