package organisation_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/organisation"
)

func TestWhatAnOrganisationMayBeCalled(t *testing.T) {
	good := organisation.Organisation{ID: "foretaget", Name: "Företaget AB", Colour: "#1f5d4c", MFA: organisation.Recommended}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for want, bad := range map[error]organisation.Organisation{
		organisation.ErrBadID:     {ID: "Företaget", Name: "x", MFA: organisation.Off},
		organisation.ErrBadName:   {ID: "abc", Name: " ", MFA: organisation.Off},
		organisation.ErrBadColour: {ID: "abc", Name: "x", Colour: "green", MFA: organisation.Off},
		organisation.ErrBadPolicy: {ID: "abc", Name: "x", MFA: "sometimes"},
	} {
		if err := bad.Check(); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", bad, err, want)
		}
	}
	if organisation.Required.Strictness() <= organisation.Recommended.Strictness() {
		t.Error("the policies are not in order")
	}
}

func TestRasterPicturesAreToldByTheirOwnBytes(t *testing.T) {
	for head, want := range map[string]string{"\x89PNG\r\n\x1a\nrest": "image/png", "\xff\xd8\xff\xe0rest": "image/jpeg", "RIFF0000WEBPVP8 ": "image/webp"} {
		if l, err := organisation.ParseLogo([]byte(head)); err != nil || l.MediaType != want {
			t.Errorf("%q: %v %v", head, l.MediaType, err)
		}
	}
	for _, bad := range []string{"", "GIF89a", "<html><body>", "%PDF-1.7", "just text"} {
		if _, err := organisation.ParseLogo([]byte(bad)); !errors.Is(err, organisation.ErrLogoKind) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := organisation.ParseLogo(make([]byte, organisation.MaxLogo+1)); !errors.Is(err, organisation.ErrLogoTooLarge) {
		t.Errorf("a large one: %v", err)
	}
}

const svg = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x "y">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10" onload="alert(1)" style="background:url(http://x)">
<script>alert(2)</script><style>@import url(http://evil)</style>
<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs>
<a href="javascript:alert(3)"><rect width="5" height="5"/></a>
<foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="alert(4)"/></foreignObject>
<image href="http://evil/x.png"/><use xlink:href="http://evil/#y"/>
<set attributeName="href" to="javascript:alert(5)"/>
<circle cx="5" cy="5" r="4" fill="url(#g)" onclick="alert(6)"/><path d="M0 0h1" fill="url(http://evil/#z)" stroke="u\72l(http://evil)"/>
<text>Å &lt; Ö</text><!-- comment --></svg>`

func TestOfAnSVGOnlyTheDrawingRemains(t *testing.T) {
	l, err := organisation.ParseLogo([]byte(svg))
	if err != nil {
		t.Fatal(err)
	}
	clean := string(l.Data)
	for _, want := range []string{`<circle cx="5" cy="5" r="4" fill="url(#g)">`, `<path d="M0 0h1">`, "Å &lt; Ö", `viewBox="0 0 10 10"`, "<stop"} {
		if !strings.Contains(clean, want) {
			t.Errorf("lost %s in\n%s", want, clean)
		}
	}
	harmless(t, l.Data)
}

// harmless fails unless the picture is XML without anything that acts or loads.
func harmless(t *testing.T, data []byte) {
	t.Helper()
	folded := strings.ToLower(string(data))
	for _, bad := range []string{"<script", "<style", "foreignobject", "<image", "<use", "<a ", "<set", "<animate", "<!doctype", "<!entity", "<?"} {
		if strings.Contains(folded, bad) {
			t.Errorf("%s stayed in\n%s", bad, data)
		}
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				name, value := strings.ToLower(a.Name.Local), strings.ToLower(a.Value)
				if strings.HasPrefix(name, "on") || name == "href" || name == "style" || strings.Contains(value, "javascript:") {
					t.Errorf("%s=%q stayed", a.Name.Local, a.Value)
				}
			}
		}
	}
}

func FuzzParseLogo(f *testing.F) {
	f.Add([]byte(svg))
	f.Add([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><g><path d="`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := organisation.ParseLogo(data); err == nil && l.MediaType == "image/svg+xml" {
			harmless(t, l.Data)
		}
	})
}
