package spool

import "slices"

// Untold are the gaps of all times that Told was not called for: they are kept with the spool, so that none is forgotten if the
// process dies before somebody hears of it.
func (s *Spool) Untold() []Gap {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.id.Gaps)
}

// Told says that the first n gaps of Untold are known where they have to be.
func (s *Spool) Told(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.id
	id.Gaps = slices.Clone(id.Gaps[min(n, len(id.Gaps)):])
	if err := s.saveIdentity(id); err != nil {
		return err
	}
	s.id = id
	return nil
}
