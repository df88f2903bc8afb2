package guide

import "github.com/portvakt/portvakt/internal/organisation"

// A document is one page of the guide, and one PDF. Its text is the prefix of its title and its lead.
type document struct {
	file     string
	text     string
	chapters []chapter
	// administrators says that it is theirs, and not the employees'.
	administrators bool
	// offered says whether what the document is about exists at the organisation; nil: always.
	offered func(Subject) bool
}

// A chapter's text is the prefix of its title and of what stands below it.
type chapter struct {
	text    string
	steps   []step
	offered func(Subject) bool
}

// A step is a text beside its pictures.
type step struct {
	text     string
	pictures []string
	offered  func(Subject) bool
}

// shows is a step whose picture has the text's name.
func shows(text string, pictures ...string) step { return step{text: text, pictures: pictures} }

func hasMFA(s Subject) bool { return s.MFA != string(organisation.Off) }

// offers says whether people are asked at the login; asksNobody, whether they begin on their account's page.
func offers(s Subject) bool {
	return s.MFA == string(organisation.Recommended) || s.MFA == string(organisation.Required)
}
func asksNobody(s Subject) bool { return s.MFA == string(organisation.Optional) }

func needsMFA(s Subject) bool   { return s.MFA == string(organisation.Required) }
func mayHaveMFA(s Subject) bool { return hasMFA(s) && !needsMFA(s) }

func hasSMS(s Subject) bool    { return s.SMS && hasMFA(s) }
func noSMS(s Subject) bool     { return !hasSMS(s) }
func taps(s Subject) bool      { return hasMFA(s) && !s.TypedPush }
func types(s Subject) bool     { return hasMFA(s) && s.TypedPush }
func hasMobile(s Subject) bool { return s.Mobile != "" }

// documents are the guide: its texts stand in internal/locale/texts/guide.*.toml, its pictures are taken by walk.go.
var documents = []document{
	{file: "index", text: "guide.main", chapters: []chapter{
		{text: "guide.news", steps: []step{
			{text: "guide.news.address"}, {text: "guide.news.password"}, {text: "guide.news.both", offered: hasMobile},
			{text: "guide.news.second", offered: mayHaveMFA}, {text: "guide.news.required", offered: needsMFA}, {text: "guide.news.help"},
		}},
		{text: "guide.first", steps: []step{
			shows("guide.first.open", "first-open"), shows("guide.first.address", "first-address"), shows("guide.first.password", "first-password"),
		}},
		{text: "guide.create", steps: []step{
			shows("guide.create.start", "create-start"), shows("guide.create.sent", "create-sent"), shows("guide.create.mail", "create-mail"), shows("guide.create.choose", "create-choose"),
		}},
		{text: "guide.link", steps: []step{
			shows("guide.link.start", "link-start"), shows("guide.link.mail", "link-mail"), shows("guide.link.press", "link-press"),
		}},
		{text: "guide.second", offered: hasMFA, steps: []step{
			{text: "guide.second.offer", pictures: []string{"second-offer"}, offered: offers}, {text: "guide.second.account", offered: asksNobody},
		}},
		{text: "guide.own", offered: hasMFA, steps: []step{
			shows("guide.own.choice", "own-choice"), shows("guide.own.start", "own-start"), shows("guide.own.pair", "own-pair"),
			shows("guide.own.compare", "own-compare", "own-compare-phone"), shows("guide.own.notify", "own-notify"), shows("guide.own.test", "own-test"),
		}},
		{text: "guide.another", offered: hasMFA, steps: []step{
			shows("guide.another.choice", "other-choice"), shows("guide.another.app", "other-app"), shows("guide.another.code", "other-code"),
		}},
		{text: "guide.phone", offered: hasSMS, steps: []step{
			shows("guide.phone.number", "phone-number"), shows("guide.phone.check", "phone-check"), shows("guide.phone.code", "phone-code"),
		}},
		{text: "guide.recovery", offered: hasMFA, steps: []step{shows("guide.recovery.save", "recovery-save")}},
		{text: "guide.finish", steps: []step{
			shows("guide.finish.app", "finish-app"),
			{text: "guide.finish.tap", pictures: []string{"daily-number", "daily-phone"}, offered: taps},
			{text: "guide.finish.type", pictures: []string{"daily-number", "daily-phone"}, offered: types},
		}},
	}},
	{file: "forgotten-password", text: "guide.forgotten", chapters: []chapter{{text: "guide.forgotten.how", steps: []step{
		shows("guide.forgotten.how.password", "forgotten-start"), shows("guide.create.start", "create-start"), shows("guide.create.sent", "create-sent"), shows("guide.create.mail", "create-mail"), shows("guide.create.choose", "create-choose"),
		{text: "guide.forgotten.how.second", offered: hasMFA},
	}}}},
	{file: "new-phone", text: "guide.new", offered: hasMFA, chapters: []chapter{
		{text: "guide.new.add", steps: []step{
			shows("guide.new.add.account", "new-account"), shows("guide.new.add.choice", "own-choice"), shows("guide.own.start", "own-start"), shows("guide.own.pair", "own-pair"), shows("guide.own.compare", "own-compare", "own-compare-phone"),
		}},
		{text: "guide.new.remove", steps: []step{shows("guide.new.remove.old", "new-old"), shows("guide.new.remove.sure", "new-sure")}},
	}},
	{file: "lost-phone", text: "guide.lost", offered: hasMFA, chapters: []chapter{{text: "guide.lost.how", steps: []step{
		shows("guide.lost.how.code", "lost-code"), {text: "guide.lost.how.methods", pictures: []string{"lost-methods"}, offered: noSMS},
		{text: "guide.lost.how.methods_sms", pictures: []string{"lost-methods"}, offered: hasSMS}, shows("guide.lost.how.recovery", "lost-recovery"),
		shows("guide.lost.how.fresh", "lost-fresh"), shows("guide.lost.how.gone", "lost-gone"), {text: "guide.lost.how.none"},
	}}}},
	{file: "new-address", text: "guide.address", chapters: []chapter{{text: "guide.address.how", steps: []step{
		shows("guide.address.how.account", "address-account"), shows("guide.address.how.new", "address-new"), shows("guide.address.how.mail", "address-mail"), shows("guide.address.how.confirm", "address-confirm"), {text: "guide.address.how.after"},
	}}}},
	{file: "hrm-mobile", text: "guide.mobile", offered: hasMobile, chapters: []chapter{{text: "guide.mobile.how", steps: []step{
		shows("guide.mobile.how.open", "mobile-open"), shows("guide.mobile.how.in", "mobile-in"), {text: "guide.mobile.how.home"},
	}}}},
	{file: "administrators", text: "guide.admin", administrators: true, chapters: []chapter{
		{text: "guide.admin.before", steps: []step{
			{text: "guide.admin.before.enter"}, shows("guide.admin.before.import", "admin-import"), shows("guide.admin.before.columns", "admin-columns"), shows("guide.admin.before.preflight", "admin-preflight"),
			shows("guide.admin.before.mailings", "admin-mailings"), shows("guide.admin.before.mail", "admin-mail"), shows("guide.admin.before.follow", "admin-follow"),
		}},
		{text: "guide.admin.day", steps: []step{shows("guide.admin.day.switch", "admin-switch"), {text: "guide.admin.day.tell"}}},
		{text: "guide.admin.after", steps: []step{shows("guide.admin.after.help", "admin-help"), shows("guide.admin.after.person", "admin-person"), {text: "guide.admin.after.stragglers"}}},
	}},
}

// forSubject are the audience's documents with what the organisation offers, and nothing else. The first is the main guide.
func forSubject(s Subject, audience Audience) []document {
	has := func(f func(Subject) bool) bool { return f == nil || f(s) }
	var all []document
	for _, d := range documents {
		if !has(d.offered) || audience == Employees && d.administrators || audience == Administrators && !d.administrators {
			continue
		}
		if len(all) == 0 {
			d.file = "index"
		}
		var chapters []chapter
		for _, c := range d.chapters {
			if !has(c.offered) {
				continue
			}
			var steps []step
			for _, one := range c.steps {
				if has(one.offered) {
					steps = append(steps, one)
				}
			}
			c.steps = steps
			chapters = append(chapters, c)
		}
		d.chapters = chapters
		all = append(all, d)
	}
	return all
}

// pictures are the names of all pictures of the documents.
func pictures(all []document) map[string]bool {
	names := map[string]bool{}
	for _, d := range all {
		for _, c := range d.chapters {
			for _, s := range c.steps {
				for _, p := range s.pictures {
					names[p] = true
				}
			}
		}
	}
	return names
}
