package admin

import (
	"net/http"

	"github.com/portvakt/portvakt/internal/administrator"
)

// route is a page or an action about one organisation, and the right that it asks for.
type route struct {
	right  administrator.Right
	handle func(v visit) error
}

// routes are all of them, below /admin/organisations/{organisation}. A test holds that a page that changes something asks for
// more than See.
func (d *Door) routes() map[string]route {
	return map[string]route{
		"GET /transition":     {administrator.See, d.getTransition},
		"POST /transition":    {administrator.See, d.postTransition},
		"GET /transition.csv": {administrator.See, d.getTransitionCSV},

		"GET /preflight":     {administrator.See, d.getPreflight},
		"POST /preflight":    {administrator.Prepare, d.postPreflight},
		"GET /preflight.csv": {administrator.See, d.getPreflightCSV},

		"GET /import":                       {administrator.Prepare, d.getImports},
		"POST /import":                      {administrator.Prepare, d.postImport},
		"GET /import/{import}":              {administrator.Prepare, d.getImport},
		"POST /import/{import}/begin":       {administrator.Prepare, d.postBeginImport},
		"POST /import/{import}/move":        {administrator.Prepare, d.postMoveImport},
		"GET /import/{import}/problems.csv": {administrator.Prepare, d.getProblemsCSV},
		"GET /holds":                        {administrator.Prepare, d.getHolds},
		"POST /holds":                       {administrator.Prepare, d.postHold},

		"GET /mailings":       {administrator.Prepare, d.getMailings},
		"POST /phase":         {administrator.Prepare, d.postPhase},
		"POST /mailings/move": {administrator.Prepare, d.postMoveMailing},
		"POST /proposals":     {administrator.Help, d.postProposal},
		"GET /bulk":           {administrator.Prepare, d.getBulk},
		"POST /bulk":          {administrator.Prepare, d.postBulk},

		"POST /people/{person}/recover":  {administrator.Help, d.postRecover},
		"POST /people/{person}/code":     {administrator.Help, d.postCode},
		"POST /people/{person}/unpaired": {administrator.Help, d.postUnpair},

		"POST /people/{person}/send": {administrator.Help, d.postSend},

		"GET /sheets":                 {administrator.Prepare, d.getSheets},
		"POST /sheets":                {administrator.Prepare, d.postSheets},
		"POST /people/{person}/sheet": {administrator.Help, d.postSheet},

		"GET /guide":  {administrator.See, d.getGuides},
		"POST /guide": {administrator.Prepare, d.postGuide},
		"GET /guide/{language}/{audience}/{file...}": {administrator.See, d.getGuide},

		"GET /help":                        {administrator.Help, d.getHelp},
		"POST /help":                       {administrator.Help, d.postHelp},
		"GET /people/{person}":             {administrator.See, d.getPerson},
		"POST /people/{person}/address":    {administrator.Help, d.postAddress},
		"POST /people/{person}/phone":      {administrator.Help, d.postPhone},
		"POST /people/{person}/vouch":      {administrator.Help, d.postVouch},
		"POST /people/{person}/exempt":     {administrator.Help, d.postExempt},
		"POST /people/{person}/include":    {administrator.Help, d.postInclude},
		"POST /people/{person}/disconnect": {administrator.Help, d.postDisconnect},
		"POST /people/{person}/settled":    {administrator.Help, d.postSettled},

		"GET /approvals":  {administrator.Help, d.getApprovals},
		"POST /approvals": {administrator.Help, d.postApproval},

		"GET /settings":  {administrator.Set, d.getSettings},
		"POST /settings": {administrator.Set, d.postSettings},
		"POST /look":     {administrator.Set, d.postLook},
		"GET /logo":      {administrator.See, d.getLogo},

		"GET /sender":       {administrator.Set, d.getSender},
		"POST /sender":      {administrator.Set, d.postSender},
		"POST /sender/keys": {administrator.Set, d.postSenderKey},

		"GET /administrators":          {administrator.Appoint, d.getAdministrators},
		"POST /administrators":         {administrator.Appoint, d.postAdministrators},
		"POST /administrators/dismiss": {administrator.Appoint, d.postDismiss},

		"GET /log": {administrator.Audit, d.getLog},
	}
}

// uploads is the one route whose body is a file; formOverhead is what a form adds around it.
const (
	uploads      = "POST /import"
	formOverhead = 64 << 10
)

// section is a part of the console in its navigation.
type section struct {
	key, path string
	right     administrator.Right
}

// sections are the parts, in the order of the navigation.
var sections = []section{
	{"admin.section.transition", "/transition", administrator.See},
	{"admin.section.import", "/import", administrator.Prepare},
	{"admin.section.preflight", "/preflight", administrator.See},
	{"admin.section.mailings", "/mailings", administrator.Prepare},
	{"admin.section.guide", "/guide", administrator.See},
	{"admin.section.help", "/help", administrator.Help},
	{"admin.section.settings", "/settings", administrator.Set},
	{"admin.section.administrators", "/administrators", administrator.Appoint},
	{"admin.section.log", "/log", administrator.Audit},
}

// Routes mounts the console. It stands behind the kit's origin check.
func (d *Door) Routes(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	for pattern, r := range d.routes() {
		handle := d.Kit.Handle
		if pattern == uploads {
			handle = d.Kit.Upload
		}
		mux.Handle(mounted(pattern), d.Kit.SameOrigin(handle(d.guarded(r.right, r.handle))))
	}
	mux.Handle("GET /admin", d.Kit.Handle(d.own("")))
	mux.Handle("GET /admin/{$}", d.Kit.Handle(d.own("")))
	mux.Handle("GET /admin/preview.css", d.Kit.Handle(d.getPreview))
	mux.Handle("GET /admin/organisations/{organisation}", d.Kit.Handle(d.guarded(administrator.See, d.getFirst)))
	for _, s := range sections {
		mux.Handle("GET /admin"+s.path, d.Kit.Handle(d.own(s.path)))
	}
}

// mounted puts a route's method in front of its whole path.
func mounted(pattern string) string {
	for i := range pattern {
		if pattern[i] == ' ' {
			return pattern[:i] + " /admin/organisations/{organisation}" + pattern[i+1:]
		}
	}
	return pattern
}

// getFirst leads to the first part of the console that the visitor may see.
func (d *Door) getFirst(v visit) error {
	for _, s := range sections {
		if v.may(s.right) {
			return see(v.w, v.r, v.url(s.path))
		}
	}
	return errNotFound
}
