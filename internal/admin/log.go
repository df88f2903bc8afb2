package admin

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/audit"
)

// logLines is how many lines a page of the log has.
const logLines = 50

// getLog handles GET /log: what has been done in the organisation, newest first.
func (d *Door) getLog(v visit) error {
	var before time.Time
	if ms, err := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64); err == nil {
		before = time.UnixMilli(ms)
	}
	lines, err := d.Administration.Log(v.r.Context(), v.org.ID, before, logLines)
	if err != nil {
		return err
	}
	view := Log{Frame: d.frame(v, "/log")}
	for _, l := range lines {
		view.Lines = append(view.Lines, logLine(l))
	}
	if len(lines) == logLines {
		view.OlderURL = v.url("/log?before=" + strconv.FormatInt(lines[len(lines)-1].At.UnixMilli(), 10))
	}
	return d.page(v, http.StatusOK, "log", view)
}

func logLine(l administration.Line) LogLine {
	return LogLine{At: l.At, Key: logTexts[l.Kind], Kind: string(l.Kind), By: l.By, Person: l.Person, Reason: l.Reason, Detail: shownDetail(l.Detail)}
}

// shownDetail is what a line says besides, as it stands in the log: its words are documented in docs/audit-events.md.
func shownDetail(detail map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		if name != "by" && name != "organisation" && detail[name] != "" {
			all = append(all, name+" "+detail[name])
		}
	}
	return strings.Join(all, ", ")
}

// logTexts say in words what has happened. A kind without one is shown by its name.
var logTexts = map[audit.Kind]string{
	audit.Appointed: "admin.log.appointed", audit.Dismissed: "admin.log.dismissed", audit.OrganisationSet: "admin.log.organisation_set",
	audit.PersonConnected: "admin.log.person_connected", audit.PreflightRun: "admin.log.preflight_run", audit.AddressCorrected: "admin.log.address_corrected",
	audit.AddressVouched: "admin.log.address_vouched", audit.PersonExempted: "admin.log.person_exempted", audit.PersonIncluded: "admin.log.person_included",
	audit.RecoveryCodeIssued: "admin.log.code_issued", audit.AppRemoved: "admin.log.app_removed", audit.RecoveryRequested: "admin.log.recovery_requested",
	audit.ImportBegun: "admin.log.import_begun", audit.ImportFinished: "admin.log.import_done", audit.HoldDecided: "admin.log.hold_decided",
	audit.PersonDisconnected: "admin.log.person_disconnected", audit.MailingBegun: "admin.log.mailing_begun", audit.MailingMoved: "admin.log.mailing_moved",
	audit.PhaseSet: "admin.log.phase_set", audit.RateSet: "admin.log.rate_set", audit.SenderSet: "admin.log.sender_set",
	audit.PreparationProposalApproved: "admin.log.proposal_approved", audit.PreparationProposalRefused: "admin.log.proposal_refused",
}
