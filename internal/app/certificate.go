package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/config"
)

// lookAgain is how old a look at the certificate's files may be. A renewal is noticed by the first connection after it.
const lookAgain = 5 * time.Second

// certificate is the server's own, as it lies on disk: whoever renews it there need not restart anything.
type certificate struct {
	settings config.Settings
	now      func() time.Time
	log      *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	looked time.Time // when the files were last looked at
	state  string    // of the files at that time
}

// openCertificate reads the certificate for the first time: what is wrong with it stops the start.
func openCertificate(s config.Settings, now func() time.Time, log *slog.Logger) (*certificate, error) {
	c := &certificate{settings: s, now: now, log: log, looked: now(), state: stateOf(s.TLSCert, s.TLSKey)}
	pair, err := s.Certificate()
	c.pair = &pair
	return c, err
}

// get is tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookAgain {
		c.looked = now
		c.renew()
	}
	return c.pair, nil
}

// renew takes files that have changed. Of a pair that cannot be used, perhaps because only one half is written yet, it
// complains once, and keeps the one before: the next change is the next chance.
func (c *certificate) renew() {
	state := stateOf(c.settings.TLSCert, c.settings.TLSKey)
	if state == c.state {
		return
	}
	c.state = state
	pair, err := c.settings.Certificate()
	if err != nil {
		c.log.Warn("the certificate has changed and cannot be used: the former one is kept", "error", err)
		return
	}
	c.pair = &pair
	c.log.Info("the certificate was read again", "until", pair.Leaf.NotAfter)
}

// stateOf tells whether files have changed: by time and size, because looking must cost nothing.
func stateOf(paths ...string) string {
	var b strings.Builder
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintln(&b, err)
			continue
		}
		fmt.Fprintln(&b, info.ModTime().UnixNano(), info.Size())
	}
	return b.String()
}
