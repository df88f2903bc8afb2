package web

import "fmt"

// Brand is the look that a page wears instead of Portvakt's own. Empty fields keep ours.
type Brand struct {
	Name     string // organisation's name; it also stands for the logo in words
	LogoURL  string // on this host: the security policy loads no picture from elsewhere
	StyleURL string // stylesheet made by BrandCSS; on this host too
	HelpURL  string // where "help" in the footer leads; without it the footer says whom to ask
}

// BrandCSS returns the stylesheet of an organisation's colour ("#1f5d4c"), corrected for contrast in light and dark. A colour
// that is none gives an empty stylesheet, and thereby our own colour.
func BrandCSS(hex string) []byte {
	light, dark, ok := contrast(hex)
	if !ok {
		return nil
	}
	return fmt.Appendf(nil, ":root{%s}\n@media (prefers-color-scheme:dark){:root{%s}}\n", light.css(), dark.css())
}

func (p Palette) css() string {
	return fmt.Sprintf("--accent:%s;--on-accent:%s;--accent-strong:%s;--accent-text:%s;--tint:%s",
		p.Fill, p.On, p.Strong, p.Text, p.Tint)
}
