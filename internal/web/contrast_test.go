package web

import (
	"fmt"
	"strings"
	"testing"
)

func TestAnyColourBecomesReadableInBothThemes(t *testing.T) {
	for r := 0; r < 256; r += 17 {
		for g := 0; g < 256; g += 17 {
			for b := 0; b < 256; b += 17 {
				given := fmt.Sprintf("#%02x%02x%02x", r, g, b)
				light, dark := Contrast(given)
				for _, pair := range [][2]string{
					{light.On, light.Fill}, {light.Text, "#ffffff"}, {light.Text, "#f1f4f2"}, {light.Text, light.Tint}, {light.On, light.Strong}, {"#16211d", light.Tint},
					{dark.On, dark.Fill}, {dark.Text, "#1b2421"}, {dark.Text, "#111816"}, {dark.Text, dark.Tint}, {dark.On, dark.Strong}, {"#e9efec", dark.Tint},
				} {
					if got := ratio(mustHex(pair[0]), mustHex(pair[1])); got < 4.5 {
						t.Fatalf("%s: %s on %s has %.2f", given, pair[0], pair[1], got)
					}
				}
			}
		}
	}
}

func TestAReadableColourIsLeftAlone(t *testing.T) {
	if light, _ := Contrast("#1f5d4c"); light.Fill != "#1f5d4c" {
		t.Error(light)
	}
	if _, dark := Contrast("#8fcdb6"); dark.Fill != "#8fcdb6" {
		t.Error(dark)
	}
}

func TestAColourThatIsNoneGivesOurOwn(t *testing.T) {
	own, _ := Contrast("#1f5d4c")
	for _, wrong := range []string{"", "#", "red", "#12345", "#1234567", "#gggggg", "};body{display:none"} {
		if light, _ := Contrast(wrong); light != own || BrandCSS(wrong) != nil {
			t.Errorf("%q: %v %s", wrong, light, BrandCSS(wrong))
		}
	}
	if css := string(BrandCSS("#e4572e")); strings.Count(css, "--accent:#") != 2 || strings.Count(css, "{") != strings.Count(css, "}") {
		t.Error(css)
	}
	if BrandCSS("08f") == nil {
		t.Error("a short colour without # is one too")
	}
}
