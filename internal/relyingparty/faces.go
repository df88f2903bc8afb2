package relyingparty

import (
	"slices"

	"github.com/portvakt/portvakt/internal/organisation"
)

// Faces names the apps that an organisation's people meet, for texts that speak of them: the oldest that proves itself, in the browser, and the oldest
// that cannot, on a phone.
func Faces(all []RP, o organisation.ID) (app, mobile string) {
	byAge := slices.SortedStableFunc(slices.Values(all), func(a, b RP) int { return a.Created.Compare(b.Created) })
	for _, rp := range byAge {
		name := &app
		if rp.IsPublic() {
			name = &mobile
		}
		if *name == "" && len(rp.Scopes) == 0 && slices.Contains(rp.Organisations, o) {
			*name = rp.Name
		}
	}
	return app, mobile
}
