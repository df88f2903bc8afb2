package web

import (
	"strings"

	"github.com/mileusna/useragent"
)

// Device says in words what a User-Agent names: "iPhone" and "Safari". Either is "" where it says nothing. The words are for
// people who recognise their own device; they are whatever the sender wrote, and nothing may be decided on them.
func Device(userAgent string) (device, browser string) {
	ua := useragent.Parse(userAgent[:min(len(userAgent), 512)])
	browser = strings.TrimPrefix(ua.Name, "Mobile ")
	switch browser {
	case "Headless Chrome":
		browser = "Chrome"
	case "Internet Explorer", "Chrome", "Firefox", "Safari", "Edge", "Opera", "Opera Mini", "Opera Touch", "Vivaldi", "Samsung Browser":
	default:
		if ua.Bot || !ua.Mobile && !ua.Tablet && !ua.Desktop {
			browser = "" // a program, not a browser: its self-given name would only puzzle
		}
	}
	return deviceOf(ua), browser
}

func deviceOf(ua useragent.UserAgent) string {
	switch {
	case len(ua.Device) > 1 && printable(ua.Device): // one letter is what Chrome says of every phone ("Android 10; K")
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

// printable refuses a device's name that is long or holds anything but letters, digits and what model names use.
func printable(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(" -_.()+/", r)) {
			return false
		}
	}
	return len(s) <= 40
}
