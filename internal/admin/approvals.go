package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/enrolment"
)

// approvalKeys name what is asked for.
var approvalKeys = map[administrator.Act]string{administrator.HandOut: "admin.approvals.code", administrator.Unpair: "admin.approvals.unpair"}

// getApprovals handles GET /approvals: what administrators of other organisations ask those of this one.
func (d *Door) getApprovals(v visit) error { return d.approvalsPage(v, http.StatusOK, "") }

func (d *Door) approvalsPage(v visit, status int, problem string) error {
	rows, err := d.approvalRows(v, "")
	if err != nil {
		return err
	}
	return d.page(v, status, "approvals", Approvals{Frame: d.frame(v, "/help"), Action: v.url("/approvals"), BackURL: v.url("/help"), Rows: rows, Problem: problem})
}

// approvalRows are the questions that wait for the organisation's word; about one person, or all.
func (d *Door) approvalRows(v visit, person string) ([]ApprovalRow, error) {
	all, err := d.Enrolment.Approvals(v.r.Context(), v.by, v.org.ID)
	var rows []ApprovalRow
	for _, a := range all {
		if person != "" && a.Person != person {
			continue
		}
		row := ApprovalRow{ID: a.ID, Name: a.Name, Key: approvalKeys[a.Act], At: a.Asked, Until: a.Expires, Mine: a.AskedBy == v.by.Account.ID}
		if a.Person != "" {
			row.PersonURL = v.url("/people/" + a.Person)
		}
		rows = append(rows, row)
	}
	return rows, err
}

// postApproval handles POST /approvals. To agree is as grave as to do it.
func (d *Door) postApproval(v visit) error {
	agrees := v.r.PostFormValue("want") == "approve"
	if agrees {
		if done, err := d.fresh(v); done {
			return err
		}
	}
	err := d.Enrolment.Decide(v.r.Context(), v.by, v.org.ID, v.r.PostFormValue("approval"), agrees, v.r.PostFormValue("reason"))
	for _, p := range []struct {
		err error
		key string
	}{
		{enrolment.ErrNoReason, "admin.people.problem_reason"},
		{enrolment.ErrNoApproval, "admin.approvals.problem_over"},
		{enrolment.ErrOwnRequest, "admin.approvals.problem_own"},
		{administrator.ErrOneself, "admin.people.problem_oneself"},
		{administrator.ErrAbove, "admin.people.problem_above"},
	} {
		if errors.Is(err, p.err) {
			return d.approvalsPage(v, http.StatusUnprocessableEntity, p.key)
		}
	}
	switch {
	case err != nil:
		return err
	case agrees:
		return v.back("/approvals", "agreed")
	}
	return v.back("/approvals", "disagreed")
}

// approvalsOf fills in what is asked about a person: by her own organisation's administrators, and by others.
func (d *Door) approvalsOf(v visit, id string, view *Person) error {
	if !v.may(administrator.Help) {
		return nil
	}
	waiting, err := d.approvalRows(v, id)
	if err != nil {
		return err
	}
	if len(waiting) > 0 {
		view.ApprovalsURL = v.url("/approvals")
	}
	asked, err := d.Enrolment.AskedFor(v.r.Context(), v.org.ID, id)
	for _, a := range asked {
		view.Asked = append(view.Asked, AskedRow{Key: approvalKeys[a.Act], Until: a.Expires, Granted: !a.Granted.IsZero(), Mine: a.AskedBy == v.by.Account.ID})
	}
	return err
}

// Approvals is the page on which administrators agree to what others want to do for a person of theirs, or refuse.
// Form fields: approval, want ("approve" or "refuse"), reason.
type Approvals struct {
	Frame
	Action, BackURL string
	Rows            []ApprovalRow
	Problem         string // key
}

// ApprovalRow is one question. It does not say who asks.
type ApprovalRow struct {
	ID, Name, PersonURL string
	Key                 string // what is to be done
	At, Until           time.Time
	Mine                bool // the visitor has asked herself, elsewhere
}

// AskedRow is what the visitor's organisation has asked for about a person.
type AskedRow struct {
	Key     string
	Until   time.Time
	Granted bool // it may be done until then
	Mine    bool // by the visitor, and not by a colleague of hers
}
