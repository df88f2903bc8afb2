package administrator

import (
	"slices"

	"github.com/portvakt/portvakt/internal/organisation"
)

// service is a program that does an administrator's work by the API: in one organisation, and with the rights of the one thing that it
// asks for.
type service struct {
	client string
	org    organisation.ID
	rights []Right
}

func (s service) may(o organisation.ID, r Right) bool {
	return s.client != "" && o == s.org && slices.Contains(s.rights, r)
}

// Service is the program with the client id, for as long as one request takes: it has these rights in this organisation, and none
// elsewhere.
func Service(clientID string, o organisation.ID, rights ...Right) Administrator {
	return Administrator{service: service{clientID, o, rights}}
}
