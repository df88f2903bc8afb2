package app

import (
	"fmt"
	"net"
	"net/url"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/bounce"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/store"
)

// bounces is where mails that came back are taken; without a server, nowhere.
type bounces struct {
	server *bounce.Server
	at     string
	opened net.Listener // by whoever put the program together
}

func newBounces(s config.Settings, o Options, db *store.DB, k keys) bounces {
	if s.BounceListen == "" {
		return bounces{}
	}
	host := "localhost"
	if u, err := url.Parse(s.Issuer); err == nil {
		host = u.Hostname()
	}
	return bounces{&bounce.Server{Path: outbox.NewReturnPath(s.BounceAddress, k.ring), Record: db, Domain: host, Now: o.Now, Log: o.Log},
		s.BounceListen, o.Bounces}
}

// listen opens the address; nil where nothing is to be taken.
func (b bounces) listen() (net.Listener, error) {
	if b.server == nil || b.opened != nil {
		return b.opened, nil
	}
	l, err := net.Listen("tcp", b.at)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s for mails that come back: %w; choose another address with --bounce-listen", b.at, err)
	}
	return l, nil
}

// folded is an address as addresses are compared, or "" for what is none.
func folded(address string) string {
	_, id, err := account.ParseAddress(address)
	if err != nil {
		return ""
	}
	return string(id)
}
