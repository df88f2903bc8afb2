package admin

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/transition"
)

// getHelp handles GET /help: the search field of a helpdesk.
func (d *Door) getHelp(v visit) error {
	waiting, err := d.approvalRows(v, "")
	if err != nil {
		return err
	}
	return d.page(v, http.StatusOK, "help", Help{Frame: d.frame(v, "/help"), Action: v.url("/help"), Approvals: len(waiting), ApprovalsURL: v.url("/approvals")})
}

// postHelp handles POST /help: a search. It is sent as a form, because a person key never stands in an address (RULES §7).
func (d *Door) postHelp(v visit) error {
	text := v.r.PostFormValue("q")
	if len(text) > 200 {
		text = text[:200]
	}
	view := Help{Frame: d.frame(v, "/help"), Action: v.url("/help"), Search: text, Asked: true}
	refusal, row, ok, err := d.Transition.FindRefusal(v.r.Context(), v.org.ID, text)
	if err != nil {
		return err
	}
	if ok {
		view.Refusal = refusalView(refusal)
		view.Rows, _ = d.personRows(v, []transition.Row{row}, "/help", transition.Filter{})
		return d.page(v, http.StatusOK, "help", view)
	}
	rows, err := d.Transition.Search(v.r.Context(), v.org.ID, text, pageOfPersons+1)
	if err != nil {
		return err
	}
	if view.More = len(rows) > pageOfPersons; view.More {
		rows = rows[:pageOfPersons]
	}
	view.Rows, _ = d.personRows(v, rows, "/help", transition.Filter{})
	return d.page(v, http.StatusOK, "help", view)
}

// person reads the person that the address names; another organisation's is not found.
func (d *Door) person(v visit) (transition.Row, error) {
	r, err := d.Transition.Find(v.r.Context(), v.org.ID, v.r.PathValue("person"))
	if errors.Is(err, transition.ErrNoPerson) {
		err = errNotFound
	}
	return r, err
}

// getPerson handles GET /people/{person}.
func (d *Door) getPerson(v visit) error { return d.personPage(v, http.StatusOK, "", "") }

func (d *Door) personPage(v visit, status int, problem, typed string) error {
	r, err := d.person(v)
	if err != nil {
		return err
	}
	now := d.Now()
	s := r.Status(now)
	view := Person{Frame: d.frame(v, "/transition"), Name: r.Name, Address: r.Address, Phone: r.Phone, Units: r.Units, Login: r.Login, Status: statusKeys[s],
		Exempt: r.Exempt, Until: r.Until, Connected: r.Connected, SignedIn: r.SignedIn, HasPassword: r.HasSecret, HasSecond: r.HasSecond,
		Next: nextKeys[s], Problem: problem, Typed: typed, ReturnURL: v.url("/transition"), Open: v.r.URL.Query().Get("do"), Mailed: !r.Mailed.IsZero()}
	if problem != "" {
		view.Open = path.Base(v.r.URL.Path) // of the act that was refused: its form stays open
		if view.Open == "phone" {
			view.Typed, view.TypedPhone = "", typed
		}
	}
	if r.Flag != "" && r.Account == "" {
		view.Why, view.WhyText = findingKeys[transition.Kind(r.Flag)], findingTexts[transition.Kind(r.Flag)]
	}
	if r.IsDisconnected() && s != transition.Exempt && s != transition.Left {
		view.Next = "admin.next.disconnected"
	}
	if r.NeedsAttention(now) && r.IsMarked() {
		view.Attention, view.AttentionAt = attentionKeys[r.AttentionWhy], r.Attention
		if v.may(administrator.Help) {
			view.SettleAction = v.url("/people/" + r.ID + "/settled")
		}
	}
	d.offerHelp(v, r, &view)
	if err := d.approvalsOf(v, r.ID, &view); err != nil {
		return err
	}
	if err := d.history(v, r.ID, &view); err != nil {
		return err
	}
	return d.page(v, status, "person", view)
}

// history fills in what has happened to the person: each mail with what became of it, and each act of an administrator.
func (d *Door) history(v visit, id string, view *Person) error {
	mails, err := d.Transition.Mails(v.r.Context(), v.org.ID, id)
	if err != nil {
		return err
	}
	for _, m := range mails {
		row := MailRow{Key: mailKeys[m.Template], To: m.To, At: m.Created, State: mailStates[m.State], Words: m.Answer}
		if !m.Bounced.IsZero() {
			row.State, row.Words = "admin.mail.bounced", strings.TrimSpace(m.Status+" "+m.Reason)
		}
		for _, turn := range m.Turns {
			row.Events = append(row.Events, MailEvent{At: turn.At, Key: turnKeys[turn.Kind], Words: turn.Words})
		}
		view.Mails = append(view.Mails, row)
	}
	lines, err := d.Administration.PersonLog(v.r.Context(), v.org.ID, id, logLines)
	for _, l := range lines {
		view.History = append(view.History, d.logLine(v, l))
	}
	return err
}

// offerHelp fills in what the visitor may do for the person now: one safe button per problem.
func (d *Door) offerHelp(v visit, r transition.Row, view *Person) {
	if !v.may(administrator.Help) {
		return
	}
	base := v.url("/people/" + r.ID)
	out := !r.Exempt.IsZero()
	if r.Account == "" && !out && r.Flag == "" && (r.Address != "" || r.Phone != "" && d.Transition.HasSMS()) {
		view.SendAction = base + "/send"
	}
	if r.Account == "" && !out {
		view.AddressAction = base + "/address"
		if d.Transition.HasSMS() {
			view.PhoneAction = base + "/phone"
		}
		if k := transition.Kind(r.Flag); r.Status(d.Now()) != transition.Left {
			view.SheetAction, view.SheetReason = base+"/sheet", r.Address != "" && k != transition.Missing && k != transition.Malformed
		}
		if k := transition.Kind(r.Flag); k == transition.Role || k == transition.Disposable {
			view.VouchAction = base + "/vouch"
		}
	}
	if r.Account != "" {
		view.DisconnectAction = base + "/disconnect"
		if !r.ByNumber {
			view.RecoverAction = base + "/recover"
		}
		if r.Unaddressed && r.Account != v.by.Account.ID {
			view.SheetAction, view.SheetReason, view.SheetAgain = base+"/sheet", true, true
		}
		if r.HasSecond && r.Account != v.by.Account.ID {
			view.CodeAction, view.UnpairAction = base+"/code", base+"/unpaired"
		}
	}
	if out {
		view.IncludeAction = base + "/include"
	} else {
		view.ExemptAction = base + "/exempt"
	}
}

// nextKeys say what to do now, in plain words.
var nextKeys = map[transition.Status]string{
	transition.Waiting: "admin.next.waiting", transition.Mailed: "admin.next.mailed", transition.Delivered: "admin.next.delivered",
	transition.Opened: "admin.next.opened", transition.Verified: "admin.next.verified", transition.Password: "admin.next.password",
	transition.SignedIn: "admin.next.signed_in", transition.Second: "admin.next.second", transition.Problem: "admin.next.problem",
	transition.Bounced: "admin.next.bounced", transition.Exempt: "admin.next.exempt", transition.Left: "admin.next.left",
}

// helpProblems are the texts for why help was refused.
var helpProblems = []struct {
	err error
	key string
}{
	{transition.ErrReason, "admin.people.problem_reason"},
	{transition.ErrConnected, "admin.people.problem_connected"},
	{transition.ErrLately, "admin.people.problem_lately"},
	{transition.ErrNotConnected, "admin.people.problem_not_connected"},
	{transition.ErrNotFlagged, "admin.people.problem_not_flagged"},
	{account.ErrNotAnAddress, "admin.people.problem_address"},
	{transition.ErrNotAPhone, "admin.people.problem_phone"},
	{authn.ErrCountry, "admin.people.problem_country"},
	{authn.ErrNoSMS, "admin.people.problem_no_sms"},
	{preparation.ErrEnded, "admin.mailings.problem_ended"},
	{enrolment.ErrNoReason, "admin.people.problem_reason"},
	{enrolment.ErrNoAccount, "admin.people.problem_not_connected"},
	{recovery.ErrAddressed, "admin.people.problem_addressed"},
	{recovery.ErrHelpedLately, "admin.people.problem_helped_lately"},
	{enrolment.ErrPrintedLately, "admin.people.problem_printed_lately"},
	{recovery.ErrNoReason, "admin.people.problem_reason"},
	{recovery.ErrNoAccount, "admin.people.problem_not_connected"},
	{enrolment.ErrNothingToRecover, "admin.people.problem_no_second"},
	{enrolment.ErrRefused, "admin.approvals.problem_refused"},
	{administrator.ErrElsewhere, "admin.people.elsewhere"},
	{administrator.ErrOneself, "admin.people.problem_oneself"},
	{administrator.ErrAbove, "admin.people.problem_above"},
}

// helped answers an act of help: back to the person with a notice, or the page with what is wrong.
func (d *Door) helped(v visit, notice string, err error) error {
	if err == nil {
		return v.back("/people/"+url.PathEscape(v.r.PathValue("person")), notice)
	}
	if errors.Is(err, enrolment.ErrAsked) {
		return v.back("/people/"+url.PathEscape(v.r.PathValue("person")), "asked")
	}
	if errors.Is(err, transition.ErrNoPerson) {
		return errNotFound
	}
	for _, p := range helpProblems {
		if errors.Is(err, p.err) {
			return d.personPage(v, http.StatusUnprocessableEntity, p.key, cmp.Or(v.r.PostFormValue("address"), v.r.PostFormValue("phone")))
		}
	}
	return err
}

// postAddress handles POST /people/{person}/address.
func (d *Door) postAddress(v visit) error {
	err := d.Transition.CorrectAddress(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), v.r.PostFormValue("address"), v.r.PostFormValue("reason"))
	return d.helped(v, "corrected", err)
}

// postPhone handles POST /people/{person}/phone: the person is reached by SMS from now on, and at once.
func (d *Door) postPhone(v visit) error {
	err := d.Transition.CorrectPhone(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), v.r.PostFormValue("phone"), v.r.PostFormValue("reason"))
	if err == nil {
		_, err = d.Preparation.Send(v.r.Context(), v.by, v.org.ID, preparation.Choice{Persons: []string{v.r.PathValue("person")}, Anew: true})
	}
	return d.helped(v, "texted", err)
}

// postSend handles POST /people/{person}/send: one mail to one person.
func (d *Door) postSend(v visit) error {
	if err := d.Transition.Recheck(v.r.Context(), v.org.ID); err != nil {
		return err
	}
	r, err := d.person(v)
	if err != nil {
		return err
	}
	_, err = d.Preparation.Send(v.r.Context(), v.by, v.org.ID, preparation.Choice{Persons: []string{r.ID}, Reminder: !r.Mailed.IsZero(), Anew: true})
	return d.helped(v, "sent", err)
}

// postRecover handles POST /people/{person}/recover: the link by which she makes a new password goes to her own address.
func (d *Door) postRecover(v visit) error {
	return d.helped(v, "recovering", d.Recovery.AskFor(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), v.r.PostFormValue("reason")))
}

// postCode handles POST /people/{person}/code: a recovery code to hand over. It is shown in this answer and never again.
func (d *Door) postCode(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	r, err := d.person(v)
	if err != nil {
		return err
	}
	code, err := d.Enrolment.IssueTo(v.r.Context(), v.by, v.org.ID, r.ID, v.r.PostFormValue("reason"))
	if err != nil {
		return d.helped(v, "", err) // others were asked, or it is refused
	}
	return d.page(v, http.StatusOK, "code", Code{Frame: d.frame(v, "/help"), Name: r.Name, Code: code.Reveal(), Hours: int(enrolment.IssuedLife.Hours()),
		BackURL: v.url("/people/" + r.ID)})
}

// postUnpair handles POST /people/{person}/unpaired: all her authenticators are gone.
func (d *Door) postUnpair(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	return d.helped(v, "unpaired", d.Enrolment.RemoveAllFor(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), v.r.PostFormValue("reason")))
}

// postSettled handles POST /people/{person}/settled: somebody has looked.
func (d *Door) postSettled(v visit) error {
	return d.helped(v, "settled", d.Transition.Settle(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), v.r.PostFormValue("reason")))
}

// attentionKeys say why somebody should look, where the address is not the reason.
var attentionKeys = map[authn.Reported]string{"": "admin.attention.tried", authn.ReportedNotMe: "admin.attention.reported", authn.ReportedPushOff: "admin.attention.push_off"}

// attentionShort say the same in a list.
var attentionShort = map[authn.Reported]string{"": "admin.attention.tried_short", authn.ReportedNotMe: "admin.attention.reported_short",
	authn.ReportedPushOff: "admin.attention.push_off_short"}

// postVouch handles POST /people/{person}/vouch.
func (d *Door) postVouch(v visit) error {
	return d.helped(v, "vouched", d.Transition.Vouch(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), v.r.PostFormValue("reason")))
}

// postExempt handles POST /people/{person}/exempt.
func (d *Door) postExempt(v visit) error {
	return d.helped(v, "exempted", d.Transition.Exempt(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), true, v.r.PostFormValue("reason")))
}

// postInclude handles POST /people/{person}/include.
func (d *Door) postInclude(v visit) error {
	return d.helped(v, "included", d.Transition.Exempt(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), false, v.r.PostFormValue("reason")))
}

// postDisconnect handles POST /people/{person}/disconnect.
func (d *Door) postDisconnect(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	return d.helped(v, "disconnected", d.Transition.Disconnect(v.r.Context(), v.by, v.org.ID, v.r.PathValue("person"), v.r.PostFormValue("reason")))
}

// refusalView says in plain words what a page has refused. The sentence that the person has read is the best one.
func refusalView(r transition.Refusal) *RefusalView {
	view := &RefusalView{Reference: r.Reference, At: r.At, Key: "admin.refusal.unknown"}
	switch {
	case r.Problem != "":
		view.Said = r.Problem
	case r.Page == "recovery_link_gone":
		view.Key = "admin.refusal.link"
	case r.Page == "signin_restart":
		view.Key = "admin.refusal.restart"
	case strings.HasSuffix(r.Page, "too_many"):
		view.Key = "admin.refusal.throttled"
	}
	switch {
	case strings.HasPrefix(r.Page, "signin_password"):
		view.Key = "admin.refusal.password"
	case strings.HasPrefix(r.Page, "signin_second"), strings.HasPrefix(r.Page, "signin_sms"), strings.HasPrefix(r.Page, "signin_recovery"), strings.HasPrefix(r.Page, "signin_push"):
		view.Key = "admin.refusal.second"
	case strings.HasPrefix(r.Page, "recovery_link_password"):
		view.Key = "admin.refusal.new_password"
	}
	return view
}
