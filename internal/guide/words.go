package guide

import (
	"fmt"
	"strconv"
	"strings"
)

// words are a sentence with what is bold in it, and with numbers behind what is marked in a picture.
type words []word

type word struct {
	Text   string
	Bold   bool
	Number int // 0: none
}

// Around a name in a text whose placeholders are filled, in characters that no text has.
const (
	begin = "\ue000"
	end   = "\ue001"
)

// tag is a control's name with its number, to fill a placeholder with.
func tag(name string, number int) string { return fmt.Sprint(begin, number, " ", name, end) }

// fill is what the placeholders of every text may name: buttons by the pages' own words, the apps, addresses.
func (w *walk) fill(marks map[string]any) map[string]any {
	all := map[string]any{
		"App": w.subject.App, "Mobile": w.subject.Mobile, "Apps": w.subject.App, "Employer": w.subject.Name,
		"Activate": w.say("enrolment.offer.on"), "Later": w.say("enrolment.offer.later"), "Deny": w.say("enrolment.consent.deny"), "Other": w.say("enrolment.choice.another"), "MFA": w.say("myaccount.mfa.title"),
		"Account": w.subject.host() + "/account", "Console": w.subject.host() + "/admin",
		"Import": w.say("admin.section.import"), "Preflight": w.say("admin.section.preflight"), "Mailings": w.say("admin.section.mailings"),
		"Transition": w.say("admin.section.transition"), "Help": w.say("admin.section.help"),
	}
	if w.subject.Mobile != "" {
		all["Apps"] = w.say("guide.apps", "App", w.subject.App, "Mobile", w.subject.Mobile)
	}
	for name, m := range marks {
		all[name] = m
	}
	return all
}

// plain is a text without bold words, as a title.
func (w *walk) plain(key string) string { return w.print.T(key, w.fill(nil)) }

// words is a text with its bold words (two asterisks) and its numbered names.
func (w *walk) words(key string, marks map[string]any) words {
	var all words
	for i, part := range strings.Split(w.print.T(key, w.fill(marks)), "**") {
		bold := i%2 == 1
		for part != "" {
			before, rest, ok := strings.Cut(part, begin)
			if before != "" {
				all = append(all, word{Text: before, Bold: bold})
			}
			if !ok {
				break
			}
			inside, after, _ := strings.Cut(rest, end)
			number, name, _ := strings.Cut(inside, " ")
			n, _ := strconv.Atoi(number) // tag wrote it
			all = append(all, word{Text: name, Bold: true, Number: n})
			part = after
		}
	}
	return all
}

// markdown is the sentence in Markdown.
func (ws words) markdown() string {
	var b strings.Builder
	for _, one := range ws {
		text := escape.Replace(one.Text)
		if one.Bold {
			text = "**" + text + "**"
		}
		b.WriteString(text)
		if one.Number > 0 {
			b.WriteString(" " + string(rune('①'+one.Number-1)))
		}
	}
	return b.String()
}

// escape keeps what a name has of Markdown's own characters from being read as such.
var escape = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, "`", "\\`", "#", `\#`)

// markdown is the document in Markdown.
func (v view) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", escape.Replace(v.Title), v.Text.markdown())
	for _, c := range v.Chapters {
		fmt.Fprintf(&b, "\n## %s\n", escape.Replace(c.Title))
		if len(c.Text) > 0 {
			fmt.Fprintf(&b, "\n%s\n", c.Text.markdown())
		}
		for _, s := range c.Steps {
			if c.Points {
				fmt.Fprintf(&b, "\n- %s\n", s.Text.markdown())
				continue
			}
			fmt.Fprintf(&b, "\n%d. %s\n", s.Number, s.Text.markdown())
			for _, p := range s.Pictures {
				fmt.Fprintf(&b, "\n   ![%s](%s)\n", escape.Replace(p.Alt), p.File)
			}
		}
	}
	if len(v.Short) > 0 {
		fmt.Fprintf(&b, "\n## %s\n\n", v.More)
		for _, s := range v.Short {
			fmt.Fprintf(&b, "- [%s](%s.md)\n", escape.Replace(s.Title), s.File)
		}
	}
	fmt.Fprintf(&b, "\n%s\n\n%s\n", escape.Replace(v.Support), escape.Replace(v.Made))
	return b.String()
}
