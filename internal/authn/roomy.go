package authn

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"github.com/portvakt/portvakt/internal/throttle"
)

// OwnNetwork is a network that an organisation calls its own, and how many people may come from it.
type OwnNetwork struct {
	Prefix netip.Prefix
	People int
}

// ownNetworks is what a process remembers of them. Housekeeping reads them anew every minute, so that no answer to a person costs
// a read more than another.
type ownNetworks struct {
	mu  sync.RWMutex
	all []OwnNetwork
}

// triesEach is how often each colleague in an organisation's own network may mistype in one window, on the day when everybody
// logs in for the first time.
const triesEach = 2

// Room is a network's budget for what comes from this browser: where an organisation calls the network its own, it grows with the
// organisation's head count (RULES §2).
func (s *Service) Room(b Browser, budget throttle.Budget) throttle.Budget {
	addr, err := netip.ParseAddr(b.Device.Address)
	if err != nil {
		return budget
	}
	people := 0
	s.networks.mu.RLock()
	defer s.networks.mu.RUnlock()
	for _, n := range s.networks.all {
		if n.Prefix.Contains(addr.Unmap()) {
			people = max(people, n.People)
		}
	}
	budget.Limit = max(budget.Limit, people*triesEach)
	return budget
}

// ReadNetworks reads the organisations' own networks.
func (s *Service) ReadNetworks(ctx context.Context) error {
	all, err := s.Store.ListOwnNetworks(ctx)
	if err != nil {
		return fmt.Errorf("list own networks: %w", err)
	}
	s.networks.mu.Lock()
	defer s.networks.mu.Unlock()
	s.networks.all = all
	return nil
}
