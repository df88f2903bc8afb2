package ui

import "github.com/portvakt/portvakt/internal/web"

// QR lets the samples show a drawn code.
func QR(text string) web.Markup {
	svg, err := web.QR(text)
	if err != nil {
		panic(err)
	}
	return svg
}
