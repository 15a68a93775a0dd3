package match

// arena puts short slices one behind the other, so that those that are made together lie together in memory.
type arena[T any] struct{ free []T }

// arenaSize is how many elements are allocated at once.
const arenaSize = 1024

// keep gives a copy of a list.
func (a *arena[T]) keep(list []T) []T {
	n := len(list)
	if n > len(a.free) {
		a.free = make([]T, max(n, arenaSize))
	}
	kept := a.free[:n:n]
	a.free = a.free[n:]
	copy(kept, list)
	return kept
}
