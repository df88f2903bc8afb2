package ui

import (
	"net/http"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/myaccount"
)

// accessTexts say in plain words what a scope value lets an app see, in the order of the page.
var accessTexts = []struct{ scope, key string }{
	{"profile", "myaccount.access.profile"},
	{"email", "myaccount.access.email"},
	{"person", "myaccount.access.person"},
	{"company", "myaccount.access.company"},
}

func accessRows(all []myaccount.Access) (rows []AccessRow) {
	for _, a := range all {
		row := AccessRow{ClientID: a.ClientID, Name: a.Name, Since: a.Since, Used: a.Used, Stays: a.Stays}
		scopes := strings.Fields(a.Scope)
		for _, text := range accessTexts {
			if slices.ContainsFunc(scopes, func(s string) bool { return grant.Broadly(s) == text.scope }) {
				row.Sees = append(row.Sees, text.key)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// postRevokeAccess handles POST /account/access/revoke.
func (d *Door) postRevokeAccess(w http.ResponseWriter, r *http.Request) error {
	done, err := d.MyAccount.RevokeAccess(r.Context(), d.Visitor.Session(r), r.PostFormValue("app"), d.Visitor.Browser(r))
	return noticed(w, r, done, "access-revoked", err)
}
