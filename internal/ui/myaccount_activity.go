package ui

import (
	"net/http"
	"net/url"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/web"
)

// activityTexts say in plain words what has happened. A test holds them against all kinds of audit events.
var activityTexts = map[audit.Kind]string{
	audit.SignedIn:           "myaccount.activity.signed_in",
	audit.SigninFailed:       "myaccount.activity.signin_failed",
	audit.PasswordSuspended:  "myaccount.activity.password_suspended",
	audit.AppsSuspended:      "myaccount.activity.apps_suspended",
	audit.LinkSent:           "myaccount.activity.link_sent",
	audit.ResetPrinted:       "myaccount.activity.sheet_printed",
	audit.PasswordReset:      "myaccount.activity.password_reset",
	audit.LinkSignedIn:       "myaccount.activity.link_signed_in",
	audit.AppAdded:           "myaccount.activity.app_added",
	audit.AppRemoved:         "myaccount.activity.app_removed",
	audit.AppRenamed:         "myaccount.activity.app_renamed",
	audit.PhoneAdded:         "myaccount.activity.phone_added",
	audit.PhoneRemoved:       "myaccount.activity.phone_removed",
	audit.PhoneSuspended:     "myaccount.activity.phone_suspended",
	audit.CodeTexted:         "myaccount.activity.code_texted",
	audit.CodeNotTexted:      "myaccount.activity.code_not_texted",
	audit.PhonePaired:        "myaccount.activity.phone_paired",
	audit.PairingRefused:     "myaccount.activity.pairing_refused",
	audit.PhoneLost:          "myaccount.activity.phone_lost",
	audit.PushSubscribed:     "myaccount.activity.push_subscribed",
	audit.PushApproved:       "myaccount.activity.push_approved",
	audit.PushDenied:         "myaccount.activity.push_denied",
	audit.PushReported:       "myaccount.activity.push_reported",
	audit.PushOff:            "myaccount.activity.push_off",
	audit.RecoveryCodeMade:   "myaccount.activity.recovery_code_made",
	audit.RecoveryCodeUsed:   "myaccount.activity.recovery_code_used",
	audit.RecoveryCodeIssued: "myaccount.activity.recovery_code_issued",
	audit.BrowserRemembered:  "myaccount.activity.browser_remembered",
	audit.BrowserForgotten:   "myaccount.activity.browser_forgotten",
	audit.SessionEnded:       "myaccount.activity.session_ended",
	audit.SessionExpired:     "myaccount.activity.session_expired",
	audit.SignedOut:          "myaccount.activity.signed_out",
	audit.CodeRedeemed:       "myaccount.activity.code_redeemed",
	audit.DeviceApproved:     "myaccount.activity.device_approved",
	audit.DeviceDenied:       "myaccount.activity.device_denied",
	audit.TokenExchanged:     "myaccount.activity.token_exchanged",
	audit.DeviceRedeemed:     "myaccount.activity.code_redeemed",
	audit.FrontGranted:       "myaccount.activity.code_redeemed",
	audit.CodeReused:         "myaccount.activity.code_reused",
	audit.RefreshReused:      "myaccount.activity.refresh_reused",
	audit.GrantRevoked:       "myaccount.activity.grant_revoked",
	audit.AccessRevoked:      "myaccount.activity.access_revoked",
	audit.NotMe:              "myaccount.activity.not_me",
	audit.ProfileChanged:     "myaccount.activity.profile_changed",
	audit.PasswordChanged:    "myaccount.activity.password_changed",
	audit.AddressRequested:   "myaccount.activity.address_requested",
	audit.AddressWithdrawn:   "myaccount.activity.address_withdrawn",
	audit.AddressChanged:     "myaccount.activity.address_changed",
	audit.AddressRestored:    "myaccount.activity.address_restored",
	audit.Exported:           "myaccount.activity.exported",
	audit.AccountCreated:     "myaccount.activity.account_created",
	audit.PersonConnected:    "myaccount.activity.person_connected",
	audit.PersonDisconnected: "myaccount.activity.person_disconnected",
	audit.Appointed:          "myaccount.activity.appointed",
	audit.Dismissed:          "myaccount.activity.dismissed",
	audit.MessageDead:        "myaccount.activity.message_dead",
	audit.MessageExpired:     "myaccount.activity.message_expired",
	audit.MessageBounced:     "myaccount.activity.message_bounced",
	audit.OldPasswordUsed:    "myaccount.activity.old_password_used",
	audit.OldPasswordListed:  "myaccount.activity.old_password_listed",
	audit.PasswordReplaced:   "myaccount.activity.password_changed",

	audit.PreparationConfirmed: "preparation.activity_confirmed",
	audit.PreparationConnected: "myaccount.activity.person_connected",

	audit.AttentionSettled: "myaccount.activity.attention_settled",
	audit.ApprovalAsked:    "myaccount.activity.approval_asked",
	audit.ApprovalGiven:    "myaccount.activity.approval_given",
	audit.ApprovalRefused:  "myaccount.activity.approval_refused",

	audit.PersonAsked:    "myaccount.activity.person_asked",
	audit.PersonNotAsked: "myaccount.activity.person_not_asked",
}

// concernNobody are the kinds that never name an account: they are about apps and organisations, or about an address that
// somebody typed.
var concernNobody = map[audit.Kind]bool{
	audit.RecoveryRequested: true,
	audit.RPCreated:         true, audit.RPChanged: true, audit.RPSecretRotated: true, audit.RPDeleted: true,
	audit.DKIMKeyMade: true, audit.DKIMKeyActivated: true, audit.DKIMKeyRemoved: true, audit.SenderSet: true,
	audit.OrganisationSet: true, audit.VAPIDKeyMade: true, audit.SigningKeyMade: true, audit.SigningKeyRetired: true, audit.PreflightRun: true, audit.GuideAsked: true, audit.GuideDrawn: true, audit.GuideFailed: true, audit.GuideStopped: true, audit.GuideShared: true, audit.GuideWithdrawn: true,
	audit.AddressCorrected: true, audit.PhoneCorrected: true, audit.AddressVouched: true, audit.PersonExempted: true,
	audit.PersonIncluded: true,
	audit.ApprovalUsed:   true, // what was done has a line of its own
	audit.Erased:         true, // nobody is there to read it

	// Nobody has an account yet.
	audit.PreparationRenewed: true, audit.PreparationLinkSent: true, audit.PreparationProposed: true, audit.PreparationProposalConfirmed: true,
	audit.PreparationObjected: true, audit.PreparationProposalApproved: true, audit.PreparationProposalRefused: true,
	audit.PhaseSet: true, audit.RateSet: true, audit.MailingBegun: true, audit.MailingMoved: true, audit.MailingSent: true, audit.SheetPrinted: true,
	audit.ImportBegun: true, audit.ImportPaused: true, audit.ImportResumed: true, audit.ImportCancelled: true, audit.ImportFinished: true,
	audit.ImportFailed: true, audit.HoldDecided: true, // about rows of a register

	audit.RegistrationTokenMade: true, audit.RegistrationTokenRevoked: true, // about apps
}

// actorTexts say who did it, where it was not the person's own account: what is done in its name may not have been her.
var actorTexts = map[string]string{
	"operator":      "myaccount.activity.by_operator",
	"administrator": "myaccount.activity.by_administrator",
	"service":       "myaccount.activity.by_administrator",
	"system":        "myaccount.activity.by_system",
	"anonymous":     "myaccount.activity.by_anonymous",
}

// byTheApp are kinds that an app brings about, in the account's name but without the person.
var byTheApp = map[audit.Kind]bool{audit.PersonAsked: true, audit.PersonNotAsked: true, audit.CodeReused: true, audit.RefreshReused: true, audit.GrantRevoked: true}

// getActivity handles GET /account/activity.
func (d *Door) getActivity(w http.ResponseWriter, r *http.Request) error {
	a, ok, err := d.MyAccount.Activity(r.Context(), d.Visitor.Session(r), myaccount.ParsePlace(r.URL.Query().Get("before")))
	if err != nil {
		return err
	}
	if !ok {
		return see(w, r, "/account")
	}
	view := MyAccountActivity{BackURL: "/account"}
	if older := a.Older; !older.At.IsZero() {
		view.OlderURL = "/account/activity?" + url.Values{"before": {older.String()}}.Encode()
	}
	for _, h := range a.Happenings {
		view.Rows = append(view.Rows, d.activityRow(r, h))
	}
	return d.Kit.Page(w, web.WithOwnLanguage(r, a.Account.Language), http.StatusOK, "myaccount_activity", view)
}

func (d *Door) activityRow(r *http.Request, h myaccount.Happening) ActivityRow {
	from := h.Device()
	device, browser := web.Device(from.UserAgent)
	row := ActivityRow{Text: activityTexts[h.Kind], By: actorTexts[h.Actor], App: h.App, At: h.At, Device: device, Browser: browser, Place: d.place(r, from.Address),
		Address: from.Address, Count: h.Count, Addresses: h.Addresses}
	if row.Text == "" {
		row.Text = "myaccount.activity.something" // of a newer version of Portvakt, beside this one
	}
	if byTheApp[h.Kind] {
		row.By = "myaccount.activity.by_app"
	}
	if h.Kind == audit.SigninFailed {
		row.Text = ""
	}
	return row
}
