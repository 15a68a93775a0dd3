package spool

// Mark names the last event that the spool has accepted. Marks grow, and mean the same over restarts and under a new spool id.
func (s *Spool) Mark() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.marks.committed
}

// Finished is the mark up to which no event waits for its receipt any more.
func (s *Spool) Finished() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.firstPending() - 1
}
