package web

import (
	"strings"

	"github.com/mileusna/useragent"
)

// Device says in words what a User-Agent names: "iPhone" and "Safari". Either is "" where it says nothing. The words are for
// people who recognise their own device; they are whatever the sender wrote, and nothing may be decided on them.
func Device(userAgent string) (device, browser string) {
	ua := useragent.Parse(userAgent[:min(len(userAgent), 512)])
	switch browser = strings.TrimPrefix(ua.Name, "Mobile "); browser {
	case "Chrome", "Safari", "Firefox", "Edge", "Samsung Browser", "Vivaldi", "Internet Explorer", "Opera", "Opera Mini", "Opera Touch":
	case "Headless Chrome":
		browser = "Chrome"
	default:
		browser = "" // a program, or a name that the sender made up: it would only puzzle, or say what he wants said
	}
	return deviceOf(ua), browser
}

// IsPhone says whether a User-Agent names a telephone or a tablet, on which an app can be opened by a press.
func IsPhone(userAgent string) bool {
	ua := useragent.Parse(userAgent[:min(len(userAgent), 512)])
	return ua.Mobile || ua.Tablet
}

// IsIOS says whether a User-Agent names an iPhone or an iPad, where a link opens the browser and never an app on the Home Screen. An iPad
// that calls itself a Mac is none here.
func IsIOS(userAgent string) bool {
	return useragent.Parse(userAgent[:min(len(userAgent), 512)]).OS == useragent.IOS
}

func deviceOf(ua useragent.UserAgent) string {
	switch {
	case plausible(ua.Device):
		return ua.Device
	case ua.OS == useragent.IOS && ua.Tablet:
		return "iPad"
	case ua.OS == useragent.MacOS:
		return "Mac"
	case ua.OS == useragent.ChromeOS, ua.OS == useragent.CrOS:
		return "Chromebook"
	}
	return ua.OS
}

// plausible accepts what model names look like ("SM-S921B", "Pixel 8 Pro", "moto g(30)"). The word goes into a mail that
// anybody can have sent to anybody, so it must not carry a web address or a telephone number.
func plausible(model string) bool {
	digits := 0
	for _, r := range model {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(" -_()+", r)):
			return false
		}
	}
	return len(model) > 1 && len(model) <= 20 && digits < 6 // one letter is what Chrome says of every phone ("Android 10; K")
}
