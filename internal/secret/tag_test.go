package secret

import (
	"strings"
	"testing"
	"time"
)

func TestATagHoldsForItsPartsPurposeAndTimeAlone(t *testing.T) {
	k, err := NewKeyring(map[byte][]byte{1: NewRoot(), 2: NewRoot()}, 2)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	tag := k.Tag("post", now, "a", "b")
	if len(tag) != TagText || tag != strings.ToLower(tag) {
		t.Errorf("the tag is %q", tag)
	}
	month := 30 * 24 * time.Hour
	for name, good := range map[string]bool{
		"as it was":     k.VerifyTag(tag, "post", month, now, "a", "b"),
		"in capitals":   k.VerifyTag(strings.ToUpper(tag), "post", month, now, "a", "b"),
		"a month later": k.VerifyTag(tag, "post", month, now.Add(month), "a", "b"),
	} {
		if !good {
			t.Errorf("%s: refused", name)
		}
	}
	other, err := NewKeyring(map[byte][]byte{1: NewRoot(), 2: NewRoot()}, 2)
	if err != nil {
		t.Fatal(err)
	}
	former, err := NewKeyring(map[byte][]byte{1: k.roots[1]}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !k.VerifyTag(former.Tag("post", now, "a"), "post", month, now, "a") {
		t.Error("the tag of a former root is refused")
	}
	for name, good := range map[string]bool{
		"another part":       k.VerifyTag(tag, "post", month, now, "a", "c"),
		"parts run together": k.VerifyTag(tag, "post", month, now, "ab"),
		"another purpose":    k.VerifyTag(tag, "other", month, now, "a", "b"),
		"too old":            k.VerifyTag(tag, "post", month, now.Add(month+48*time.Hour), "a", "b"),
		"from the future":    k.VerifyTag(tag, "post", month, now.Add(-72*time.Hour), "a", "b"),
		"another's key":      other.VerifyTag(tag, "post", month, now, "a", "b"),
		"an unknown root":    former.VerifyTag(tag, "post", month, now, "a", "b"),
		"cut":                k.VerifyTag(tag[:TagText-2], "post", month, now, "a", "b"),
		"nothing":            k.VerifyTag("", "post", month, now, "a", "b"),
		"another day":        k.VerifyTag(tag[:3]+"0"+tag[4:], "post", month, now, "a", "b"),
		"no base32":          k.VerifyTag(strings.Repeat("u", TagText), "post", month, now, "a", "b"),
	} {
		if good {
			t.Errorf("%s: taken", name)
		}
	}
}
