package guide

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/organisation"
)

// old is a folder with a guide in it.
func old(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "guide")
	for name, text := range map[string]string{printsFile: "first-open abc\n", "index.html": "the old guide"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// whole fails unless the old guide is there, alone.
func whole(t *testing.T, folder string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "index.html"))
	if err != nil || string(text) != "the old guide" {
		t.Errorf("the old guide: %q %v", text, err)
	}
	if beside, _ := os.ReadDir(filepath.Dir(folder)); len(beside) != 1 {
		t.Errorf("left behind: %v", beside)
	}
}

func TestWithoutABrowserTheOldGuideStays(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	folder := old(t)
	if err := Draw(t.Context(), Demo, All, locale.Swedish, folder, nil); !errors.Is(err, ErrNoBrowser) || !strings.Contains(err.Error(), "install Chromium") {
		t.Errorf("%v", err)
	}
	whole(t, folder)
}

func TestALogoThatAnOrganisationMayNotHaveIsRefused(t *testing.T) {
	large := Demo
	large.Logo = append([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="9"/>`), bytes.Repeat([]byte(" "), 40<<20)...)
	if _, err := large.organisation(); !errors.Is(err, organisation.ErrLogoTooLarge) {
		t.Errorf("%v", err)
	}
	small := Demo
	small.Logo = []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="9"/></svg>`)
	o, err := small.organisation()
	if err != nil || bytes.Contains(o.Logo.Data, []byte("script")) {
		t.Errorf("%s %v", o.Logo.Data, err)
	}
}

func TestAFolderWithSomethingElseInItIsNotReplaced(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Draw(t.Context(), Demo, All, locale.Swedish, folder, nil); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("%v", err)
	}
}

func TestWhatThePolicyDoesNotOfferHasNoChapter(t *testing.T) {
	has := func(s Subject, picture string) bool { return pictures(forSubject(s, All))[picture] }
	for _, test := range []struct {
		name    string
		change  func(*Subject)
		without []string
	}{
		{"no SMS", func(s *Subject) { s.SMS = false }, []string{"phone-number", "phone-code"}},
		{"2FA off", func(s *Subject) { s.MFA = "off" }, []string{"second-offer", "own-pair", "other-app", "phone-number", "recovery-save", "lost-code", "new-account", "daily-phone"}},
	} {
		s := Demo
		test.change(&s)
		for _, picture := range test.without {
			if !has(Demo, picture) || has(s, picture) {
				t.Errorf("%s: %s", test.name, picture)
			}
		}
		if !has(s, "first-address") || !has(s, "create-choose") {
			t.Errorf("%s: the first login is not there", test.name)
		}
	}
}

func TestASubjectThatIsNoOrganisationsIsRefused(t *testing.T) {
	for say, change := range map[string]func(*Subject){
		"the 2FA policy":         func(s *Subject) { s.MFA = "sometimes" },
		"2026-12-01":             func(s *Subject) { s.MFAFrom = "1 december" },
		"https://login":          func(s *Subject) { s.Issuer = "login.foretaget.example" },
		"PNG, JPEG, WebP or SVG": func(s *Subject) { s.Logo = []byte("GIF89a") },
		"colour":                 func(s *Subject) { s.Colour = "green" },
		"1 to 100 characters":    func(s *Subject) { s.Name = "" },
	} {
		s := Demo
		change(&s)
		if _, err := s.organisation(); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("want %q: %v", say, err)
		}
	}
}

func TestAPageThatHasChangedEndsTheWalkAndSaysWhichPicture(t *testing.T) {
	look, err := Demo.organisation()
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{subject: Demo, look: look, lang: locale.Swedish}
	err = w.in(t.Context(), "switched", func(w *walk) {
		w.to("first-address")
		w.Fatalf("find %q: it is not there", "Nästa")
	})
	if err == nil || !strings.Contains(err.Error(), "nothing was written") || !strings.Contains(err.Error(), `the picture first-address: find "Nästa"`) {
		t.Error(err)
	}
}

func TestAnOrganisationsOwnNamesStandInItsTexts(t *testing.T) {
	texts := locale.New()
	s := Demo
	s.App, s.Mobile, s.Issuer = "", "Schema", "https://login.foretaget.example/id"
	s = s.filled()
	w := &walk{subject: s, lang: locale.Swedish, print: texts.Printer(locale.Swedish)}
	for key, want := range map[string]string{"guide.main.text": "en ny inloggning till Schema. ", "guide.address.how.account": "login.foretaget.example/id/account"} {
		if said := w.words(key, nil).markdown(); !strings.Contains(said, want) {
			t.Errorf("%s: %s", key, said)
		}
	}
	if pictures(forSubject(s, All))["mobile-open"] {
		t.Error("an app for the phone that nobody has")
	}
}

func TestTwoStepsStandBesideEachOtherAndOneAlone(t *testing.T) {
	one, desk := pictureView{}, pictureView{Desk: true}
	for want, pictures := range map[string][][]pictureView{
		"half half alone bare":        {{one}, {one}, {one}, nil},
		"alone below half half":       {{one}, {one, one}, {one}, {one}},
		"bare below alone below bare": {nil, {desk}, {one}, {desk}, nil},
	} {
		c := chapterView{}
		for _, p := range pictures {
			c.Steps = append(c.Steps, stepView{Pictures: p})
		}
		c.form()
		var forms []string
		for _, s := range c.Steps {
			forms = append(forms, s.Form)
		}
		if got := strings.Join(forms, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestEmployeesAreShownNothingOfTheAdministrators(t *testing.T) {
	texts := locale.New()
	files := func(audience Audience) (names []string, main view) {
		all := forSubject(Demo, audience)
		for _, d := range all {
			names = append(names, d.file)
		}
		w := &walk{subject: Demo, lang: locale.Swedish, print: texts.Printer(locale.Swedish), documents: all}
		return names, w.view(all[0])
	}
	all, whole := files(All)
	employees, own := files(Employees)
	if !slices.Contains(all, "administrators") || slices.Contains(employees, "administrators") || len(employees) != len(all)-1 || len(own.Short) != len(whole.Short)-1 {
		t.Errorf("all %v, employees %v, links %v", all, employees, own.Short)
	}
	for picture := range pictures(forSubject(Demo, Employees)) {
		if strings.HasPrefix(picture, "admin-") {
			t.Error(picture)
		}
	}
	alone, theirs := files(Administrators)
	if !slices.Equal(alone, []string{"index"}) || !theirs.Main || len(theirs.Short) != 0 || theirs.Title != "Övergången dag för dag" {
		t.Errorf("administrators %v, %q %v", alone, theirs.Title, theirs.Short)
	}
}

func TestEveryTextOfTheGuideIsThereAndFilled(t *testing.T) {
	texts := locale.New()
	for _, l := range locale.Languages() {
		w := &walk{subject: Demo, lang: l, print: texts.Printer(l)}
		for _, d := range documents {
			for _, c := range d.chapters {
				for _, s := range c.steps {
					marks := map[string]any{"A": tag("x", 1), "B": tag("x", 2), "C": tag("x", 3)}
					said := w.words(s.text, marks).markdown()
					if said == s.text || strings.Contains(said, "<no value>") || strings.Count(said, "**")%2 != 0 {
						t.Errorf("%s in %s: %s", s.text, l, said)
					}
				}
			}
		}
	}
}

func TestANameWithMarkupStaysAName(t *testing.T) {
	texts := locale.New()
	s := Demo
	s.Name = `<script>alert(1)</script> [x](y) & Co`
	w := &walk{subject: s, lang: locale.Swedish, print: texts.Printer(locale.Swedish), documents: documents[:1]}
	v := w.view(document{file: "index", text: "guide.main"})
	var html bytes.Buffer
	if err := pages.Execute(&html, v); err != nil || strings.Contains(html.String(), "<script") {
		t.Errorf("%v\n%s", err, html.String())
	}
	if strings.Contains(html.String(), "style=") {
		t.Errorf("a content security policy would take a style off the page:\n%s", html.String())
	}
	if md := v.markdown(); strings.Contains(md, "[x](y)") || strings.Contains(md, " <script") {
		t.Errorf("%s", md)
	}
}

func TestAnInterruptedDrawingLeavesTheOldGuide(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := old(t)
	if err := Draw(ctx, Demo, All, locale.Swedish, folder, nil); err == nil {
		t.Error("drawn")
	}
	whole(t, folder)
}

func TestInterruptedInTheMiddleOfTheWalkItLeavesTheOldGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	folder := old(t)
	begun := false
	err := Draw(ctx, Demo, All, locale.Swedish, folder, func(int, int, string) {
		begun = true
		cancel()
	})
	if errors.Is(err, ErrNoBrowser) {
		t.Skip(err)
	}
	if err == nil || !begun || strings.Count(err.Error(), context.Canceled.Error()) != 1 {
		t.Errorf("begun %v: %v", begun, err)
	}
	whole(t, folder)
}
