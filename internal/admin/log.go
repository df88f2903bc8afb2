package admin

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/web"
)

// logLines is how many lines a page of the log has.
const logLines = 50

// getLog handles GET /log: what has been done in the organisation, newest first.
func (d *Door) getLog(v visit) error {
	var after administration.Place
	if q := v.r.URL.Query(); q.Get("before") != "" {
		if ms, err := strconv.ParseInt(q.Get("before"), 10, 64); err == nil {
			after = administration.Place{At: time.UnixMilli(ms), ID: q.Get("line")}
		}
	}
	lines, err := d.Administration.Log(v.r.Context(), v.org.ID, after, logLines+1)
	if err != nil {
		return err
	}
	view := Log{Frame: d.frame(v, "/log")}
	if len(lines) > logLines {
		lines = lines[:logLines]
		last := lines[logLines-1]
		view.OlderURL = v.url("/log?" + url.Values{"before": {strconv.FormatInt(last.At.UnixMilli(), 10)}, "line": {last.ID}}.Encode())
	}
	for _, l := range lines {
		view.Lines = append(view.Lines, d.logLine(v, l))
	}
	return d.page(v, http.StatusOK, "log", view)
}

func (d *Door) logLine(v visit, l administration.Line) LogLine {
	return LogLine{At: l.At, Key: logTexts[l.Kind], Kind: string(l.Kind), By: l.By, Actor: actorTexts[l.Actor], Person: l.Person, Reason: l.Reason, Detail: d.shownDetail(v, l.Detail)}
}

// actorTexts say who has done it, where it was nobody with a name.
var actorTexts = map[string]string{
	"account": "admin.log.by_person", "anonymous": "admin.log.by_link", "operator": roleOperator, "system": "admin.log.by_system",
}

// details are what a line says besides, in this order: as a sentence with the value, or by the name of the value. The rest are ids, which
// are for programs.
var details = []struct {
	name, text string
	values     map[string]string
}{
	{"persons", "admin.log.persons", nil}, {"mailed", "admin.log.mailed", nil}, {"rows", "admin.log.rows", nil}, {"imported", "admin.log.imported", nil},
	{"held", "admin.log.held", nil}, {"refused", "admin.log.left_out", nil}, {"rate", "admin.log.rate", nil}, {"domain", "admin.log.domain", nil},
	{"role", "", map[string]string{"owner": "admin.role.owner", "administrator": "admin.role.administrator", "helpdesk": "admin.role.helpdesk", "auditor": "admin.role.auditor"}},
	{"mfa", "admin.log.mfa", map[string]string{"off": "admin.settings.mfa_off", "optional": "admin.settings.mfa_optional", "recommended": "admin.settings.mfa_recommended",
		"required": "admin.settings.mfa_required"}},
	{"phase", "", map[string]string{"preparation": "admin.mailings.preparation", "switched": "admin.mailings.switched", "ended": "admin.mailings.ended"}},
	{"reminder", "", map[string]string{"yes": "admin.mail.reminder"}},
	{"to", "", map[string]string{"paused": "admin.job.paused", "queued": "admin.job.queued", "cancelled": "admin.job.cancelled"}},
	{"act", "", map[string]string{"code": "admin.approvals.code", "unpair": "admin.approvals.unpair"}},
	{"audience", "", map[string]string{"employees": "admin.guide.employees", "administrators": "admin.guide.administrators"}},
	{"language", "", map[string]string{"sv": "admin.guide.sv", "en": "admin.guide.en"}},
	{"decision", "", map[string]string{"accepted": "admin.holds.accept", "refused": "admin.holds.refuse"}},
}

// shownDetail is what a line says besides, in words.
func (d *Door) shownDetail(v visit, detail map[string]string) string {
	p := d.Catalogue.Printer(web.Language(v.r.Context()))
	var all []string
	for _, one := range details {
		value := detail[one.name]
		if one.values != nil {
			if value = one.values[value]; value != "" {
				value = p.T(value)
			}
		}
		switch {
		case cmp.Or(value, "0") == "0":
		case one.text == "":
			all = append(all, value)
		default:
			all = append(all, p.T(one.text, "Value", value))
		}
	}
	return strings.Join(all, ", ")
}

// logTexts say in words what has happened. A kind without one is shown by its name.
var logTexts = map[audit.Kind]string{
	audit.Appointed: "admin.log.appointed", audit.Dismissed: "admin.log.dismissed", audit.OrganisationSet: "admin.log.organisation_set",
	audit.PersonConnected: "admin.log.person_connected", audit.PreflightRun: "admin.log.preflight_run", audit.AddressCorrected: "admin.log.address_corrected", audit.PhoneCorrected: "admin.log.phone_corrected",
	audit.AddressVouched: "admin.log.address_vouched", audit.SheetPrinted: "admin.log.sheet_printed", audit.ResetPrinted: "admin.log.reset_printed", audit.PersonExempted: "admin.log.person_exempted", audit.PersonIncluded: "admin.log.person_included",
	audit.RecoveryCodeIssued: "admin.log.code_issued", audit.AppRemoved: "admin.log.app_removed", audit.RecoveryRequested: "admin.log.recovery_requested",
	audit.ImportBegun: "admin.log.import_begun", audit.ImportFinished: "admin.log.import_done", audit.HoldDecided: "admin.log.hold_decided",
	audit.ImportPaused: "admin.log.import_paused", audit.ImportResumed: "admin.log.import_resumed", audit.ImportCancelled: "admin.log.import_cancelled",
	audit.ImportFailed: "admin.log.import_failed",
	audit.GuideAsked:   "admin.log.guide_asked", audit.GuideDrawn: "admin.log.guide_drawn", audit.GuideFailed: "admin.log.guide_failed",
	audit.GuideStopped: "admin.log.guide_stopped", audit.GuideShared: "admin.log.guide_shared", audit.GuideWithdrawn: "admin.log.guide_withdrawn",
	audit.PersonDisconnected: "admin.log.person_disconnected", audit.MailingBegun: "admin.log.mailing_begun", audit.MailingMoved: "admin.log.mailing_moved",
	audit.MailingSent: "admin.log.mailing_sent",
	audit.PhaseSet:    "admin.log.phase_set", audit.RateSet: "admin.log.rate_set", audit.SenderSet: "admin.log.sender_set",
	audit.DKIMKeyMade: "admin.log.key_made", audit.DKIMKeyActivated: "admin.log.key_activated", audit.DKIMKeyRemoved: "admin.log.key_removed",
	audit.PreparationConfirmed: "admin.log.confirmed", audit.PreparationConnected: "admin.log.connected", audit.PreparationRenewed: "admin.log.renewed",
	audit.PreparationLinkSent: "admin.log.link_sent", audit.PreparationProposed: "admin.log.proposed",
	audit.PreparationProposalConfirmed: "admin.log.proposal_confirmed", audit.PreparationObjected: "admin.log.objected",
	audit.ApprovalAsked: "admin.log.approval_asked", audit.ApprovalGiven: "admin.log.approval_given", audit.ApprovalRefused: "admin.log.approval_refused",
	audit.AttentionSettled:            "admin.log.attention_settled",
	audit.ApprovalUsed:                "admin.log.approval_used",
	audit.PreparationProposalApproved: "admin.log.proposal_approved", audit.PreparationProposalRefused: "admin.log.proposal_refused",
}
