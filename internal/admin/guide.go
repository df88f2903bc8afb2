package admin

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/web"
)

// The names of the editions.
var (
	audienceKeys = map[transition.Audience]string{transition.Employees: "admin.guide.employees", transition.Administrators: "admin.guide.administrators"}
	languageKeys = map[string]string{"sv": "admin.guide.sv", "en": "admin.guide.en"}
)

// wholeGuide is the name under which all files of a guide come in one.
const wholeGuide = "guide.zip"

// getGuides handles GET /guide: the organisation's guides, and how far a new one has come.
func (d *Door) getGuides(v visit) error { return d.guidePage(v, http.StatusOK, "") }

func (d *Door) guidePage(v visit, status int, problem string) error {
	ctx := v.r.Context()
	all, err := d.Transition.Guides(ctx, v.org)
	if err != nil {
		return err
	}
	drawings, err := d.Transition.Drawings(ctx, v.org.ID)
	if err != nil {
		return err
	}
	view := Guide{Frame: d.frame(v, "/guide"), Problem: problem, CanDraw: d.Transition.CanDraw(), Command: "portvakt guide --org " + string(v.org.ID) + " --lang sv --out guide",
		Language: cmp.Or(v.r.PostFormValue("language"), string(web.Language(ctx))), Audience: cmp.Or(v.r.PostFormValue("audience"), string(transition.Employees)), Support: v.r.PostFormValue("support")}
	if v.may(administrator.Prepare) {
		view.Action = v.url("/guide")
	}
	if len(drawings) > 0 {
		newest := drawings[0]
		e, support := transition.EditionOf(newest)
		view.AudienceKey, view.LanguageKey = audienceKeys[e.Audience], languageKeys[e.Language]
		if view.Drawing = !newest.State.Ended(); view.Drawing {
			view.DrawingID, view.Percent = newest.ID, int(newest.Progress()*100)
			v.w.Header().Set("Refresh", "3")
		}
		view.Failed = newest.State == job.Failed
		view.Support = cmp.Or(view.Support, support)
	}
	for _, g := range all {
		at := v.url("/guide/" + g.Language + "/" + string(g.Audience) + "/")
		row := GuideRow{AudienceKey: audienceKeys[g.Audience], LanguageKey: languageKeys[g.Language], Language: g.Language, Audience: string(g.Audience), Made: g.Made, Stale: g.Stale,
			OpenURL: at, PDFURL: at + "guide.pdf", ZipURL: at + wholeGuide, MayShare: g.Audience == transition.Employees}
		if g.Link != "" {
			row.Link = d.Signin.Issuer + "/guide/" + g.Link + "/"
		}
		view.Rows = append(view.Rows, row)
	}
	return d.page(v, status, "guide", view)
}

// postGuide handles POST /guide: draw one, end a drawing, give one a public address, or take it away.
func (d *Door) postGuide(v visit) error {
	ctx, e := v.r.Context(), transition.Edition{Language: v.r.PostFormValue("language"), Audience: transition.Audience(v.r.PostFormValue("audience"))}
	var err error
	notice := ""
	switch v.r.PostFormValue("want") {
	case "draw":
		_, err = d.Transition.Draw(ctx, v.by, v.org.ID, e, v.r.PostFormValue("support"))
	case "stop":
		err = d.Transition.StopDrawing(ctx, v.by, v.org.ID, v.r.PostFormValue("drawing"))
	case "share":
		notice, err = "shared", d.Transition.Share(ctx, v.by, v.org.ID, e)
	case "withdraw":
		notice, err = "withdrawn", d.Transition.Withdraw(ctx, v.by, v.org.ID, e)
	default:
		return errNotFound
	}
	switch {
	case errors.Is(err, transition.ErrBadSupport):
		return d.guidePage(v, http.StatusUnprocessableEntity, "admin.guide.problem_support")
	case errors.Is(err, transition.ErrNoIllustrator):
		return v.back("/guide", "") // which says so
	case errors.Is(err, transition.ErrNoGuide):
		return errNotFound
	case err != nil:
		return err
	}
	return v.back("/guide", notice)
}

// getGuide handles GET /guide/{language}/{audience}/…: a file of a guide, or all of them in one.
func (d *Door) getGuide(v visit) error {
	e, name := transition.Edition{Language: v.r.PathValue("language"), Audience: transition.Audience(v.r.PathValue("audience"))}, cmp.Or(v.r.PathValue("file"), "index.html")
	if name == wholeGuide {
		return d.getWholeGuide(v, e)
	}
	body, drawing, err := d.Transition.GuideFile(v.r.Context(), v.org.ID, e, name)
	if errors.Is(err, transition.ErrNoGuide) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	return d.Kit.Shown(v.w, v.r, name, drawing, body)
}

func (d *Door) getWholeGuide(v visit, e transition.Edition) error {
	files, err := d.Transition.GuideFiles(v.r.Context(), v.org.ID, e)
	if errors.Is(err, transition.ErrNoGuide) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	var all bytes.Buffer
	z := zip.NewWriter(&all)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := z.Create("guide/" + name)
		if err != nil {
			return err
		}
		if _, err := f.Write(files[name]); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="guide-`+string(v.org.ID)+"-"+e.Language+"-"+string(e.Audience)+`.zip"`)
	h.Set("Cache-Control", "no-store")
	_, err = v.w.Write(all.Bytes())
	return err
}
