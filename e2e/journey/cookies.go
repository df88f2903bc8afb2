package journey

import (
	"strings"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Cookies are what the browser would send to the address, those included that no
// script sees.
func (b *Browser) Cookies(address string) map[string]string {
	b.r.Helper()
	ctx, cancel := b.patience()
	defer cancel()
	jar, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{address}})
	if err != nil {
		b.fail("read the cookies: %v", err)
	}
	all := map[string]string{}
	for _, c := range jar.Cookies {
		all[c.Name] = c.Value
	}
	return all
}

// CookiesNamed are the cookies whose names begin so.
func (b *Browser) CookiesNamed(address, prefix string) map[string]string {
	b.r.Helper()
	found := b.Cookies(address)
	for name := range found {
		if !strings.HasPrefix(name, prefix) {
			delete(found, name)
		}
	}
	return found
}

// PutCookie puts a cookie into the browser, as somebody does who copied it.
func (b *Browser) PutCookie(address, name, value string) {
	b.r.Helper()
	b.do("put a cookie", command(network.SetCookie, network.SetCookieParams{
		Name: name, Value: value, URL: address, HTTPOnly: new(true), SameSite: network.CookieSameSiteLax,
	}))
}

// HideCookies lets the tab's frames of other sites have no cookies, as a person can choose: from the next page on.
func (b *Browser) HideCookies() {
	b.r.Helper()
	b.do("hide cookies from other sites", command(network.SetCookieControls, network.SetCookieControlsParams{EnableThirdPartyCookieRestriction: true}))
}
