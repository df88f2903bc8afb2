package bounce

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// limit is a listener that serves so many at once, some of them from one network, and nobody for longer than its life. Who comes on top
// is told to come again, which mail servers do.
type limit struct {
	net.Listener
	slots chan struct{}
	life  time.Duration
	each  int

	mu   sync.Mutex
	open map[string]int // connections, by network
}

func newLimit(l net.Listener, n, each int, life time.Duration) *limit {
	return &limit{Listener: l, slots: make(chan struct{}, n), life: life, each: each, open: map[string]int{}}
}

// Accept implements net.Listener.
func (l *limit) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if free := l.take(network(c.RemoteAddr())); free != nil {
			m := &mortal{Conn: c, free: sync.OnceFunc(free)}
			m.end = time.AfterFunc(l.life, func() { c.Close() })
			return m, nil
		}
		c.SetWriteDeadline(time.Now().Add(time.Second))              //nolint:errcheck // it is closed at once
		c.Write([]byte("421 4.3.2 too many at once; try again\r\n")) //nolint:errcheck // as above
		c.Close()
	}
}

// take takes a slot for a network and returns what gives it back; nil where there is none.
func (l *limit) take(from string) (free func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] >= l.each {
		return nil
	}
	select {
	case l.slots <- struct{}{}:
	default:
		return nil
	}
	l.open[from]++
	return func() {
		<-l.slots
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.open[from]--; l.open[from] == 0 {
			delete(l.open, from)
		}
	}
}

// mortal is a connection that ends by itself.
type mortal struct {
	net.Conn
	free func()
	end  *time.Timer
}

// Close implements net.Conn.
func (m *mortal) Close() error {
	m.end.Stop()
	m.free()
	return m.Conn.Close()
}

// network is where a connection comes from: an address, or the /64 that one customer of IPv6 has.
func network(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return ""
	}
	addr := at.Addr().Unmap()
	if addr.Is6() {
		return netip.PrefixFrom(addr.WithZone(""), 64).Masked().String()
	}
	return addr.String()
}

// senders counts the mails of each network in a minute.
type senders struct {
	now   func() time.Time
	mu    sync.Mutex
	since time.Time // the minute's begin
	mails map[string]int
}

// mayMail counts one more; false where the network has had its share of this minute.
func (s *senders) mayMail(from string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.mails == nil || now.Sub(s.since) >= time.Minute {
		s.since, s.mails = now, map[string]int{}
	}
	s.mails[from]++
	return s.mails[from] <= maxMails
}
