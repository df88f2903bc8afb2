package bounce

import (
	"net"
	"sync"
	"time"
)

// limit is a listener that serves so many at once, and nobody for longer than that. Who comes on top is told to come again,
// which mail servers do.
type limit struct {
	net.Listener
	slots chan struct{}
	life  time.Duration
}

func newLimit(l net.Listener, n int, life time.Duration) *limit {
	return &limit{l, make(chan struct{}, n), life}
}

// Accept implements net.Listener.
func (l *limit) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.slots <- struct{}{}:
			m := &mortal{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}
			m.end = time.AfterFunc(l.life, func() { c.Close() })
			return m, nil
		default:
			c.SetWriteDeadline(time.Now().Add(time.Second))              //nolint:errcheck // it is closed at once
			c.Write([]byte("421 4.3.2 too many at once; try again\r\n")) //nolint:errcheck // as above
			c.Close()
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
