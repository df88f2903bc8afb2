// A request: what is asked, the answer, and what became of it.
import { isTransient } from "./accounts.js";
import { Refused, Removed } from "./errors.js";
import { endOf } from "./requests.js";
import { breakable, button, el, facts, field, link, p, picture } from "./view.js";

const hashOf = ({ request }) => `#/request/${encodeURIComponent(request.id)}`;

// list is for the rare moment when several wait.
export function list(app) {
  const { t } = app;
  const all = app.requests.waiting();
  const row = (entry) =>
    el("li", { class: "card" }, el("h2", {}, entry.request.shown.app || t("authenticator.request.unnamed_alone")), p(placeOf(app, entry.request), "small"),
      link(t("authenticator.request.show"), hashOf(entry), "second compact"));
  return {
    title: t("authenticator.requests.title"), back: "#/", calm: all.length === 0, mark: `requests ${all.length}`,
    body: all.length > 0 ? el("ul", { class: "cards" }, all.map(row)) : p(t("authenticator.requests.none"), "lead"),
  };
}

// one shows a request and takes the answer.
export async function one(app, id) {
  const entry = app.requests.find(id) ?? (await fetchEntry(app, id));
  if (entry === null) return unreachable(app);
  if (!entry) return gone(app, "expired");
  const { t } = app;
  const { request } = entry;
  const account = await app.store.get("accounts", entry.accountID);
  const said = el("p", { class: "problem", role: "alert", hidden: true });
  const left = el("p", { class: "left" });
  const timer = setInterval(() => count(), 1000);
  const count = () => {
    const seconds = Math.max(0, Math.ceil((endOf(entry) - app.now()) / 1000));
    left.textContent = t("authenticator.request.left", { Time: `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` });
  };
  count();
  const answer = (decision, number) => decide(app, entry, decision, number, said);
  const way = Object.hasOwn(ways, request.mode) ? ways[request.mode] : unknown;
  const asked = way(app, request, answer);
  return {
    title: titleOf(app, request), kind: `request ${request.mode}`, back: "#/",
    body: [
      account?.address && el("p", { class: "small address" }, breakable(account.address)),
      asked.lead,
      request.purpose !== "test" && facts(
        ...placesOf(app, request),
        [t("authenticator.request.time"), timeOf(app, request)],
      ),
      left,
    ],
    actions: [said, asked.body, asked.actions, button(t("authenticator.deny"), () => answer("deny"), "second grave")],
    leave: () => clearInterval(timer),
  };
}

function titleOf(app, { purpose, shown }) {
  const { t } = app;
  if (purpose === "test") return t("authenticator.request.test");
  if (purpose === "step_up" && !shown.app) return t("authenticator.request.account");
  const name = shown.app || t("authenticator.request.unnamed");
  if (purpose === "ask") return t("authenticator.request.ask", { App: name });
  return purpose === "step_up" ? t("authenticator.request.step_up", { App: name }) : t("authenticator.request.signin", { App: name });
}

// placesOf says where the person's browser is, or, where an app asks by itself, the app's server.
function placesOf({ t }, { purpose, shown }) {
  if (purpose === "ask") return [[t("authenticator.request.from"), [shown.place, shown.address].filter(Boolean).join(", ")]];
  return [
    [t("authenticator.request.place"), shown.place],
    [t("authenticator.request.browser"), [shown.browser, shown.device].filter(Boolean).join(", ")],
    [t("authenticator.request.address"), shown.address],
  ];
}

const timeOf = (app, { shown }) => shown.time && new Intl.DateTimeFormat(app.calendar, { timeStyle: "short" }).format(shown.time);
const placeOf = (app, request) => [request.shown.place, request.shown.browser, timeOf(app, request)].filter(Boolean).join(" · ");

const moment = 700; // milliseconds

// The ways to say yes.
const ways = {
  tap: ({ t }, { numbers }, answer) => ({
    body: el("p", { class: "ask", id: "ask" }, t("authenticator.request.tap")),
    actions: el("div", { class: "numbers", role: "group", "aria-labelledby": "ask" }, numbers.map((number) => button(number, () => answer("approve", number), "number"))),
  }),
  type: ({ t }, _, answer) => {
    const digits = field({
      id: "digits", label: t("authenticator.request.type"), hint: t("authenticator.request.type_hint"),
      input: { class: "digits", inputmode: "numeric", pattern: "[0-9]*", maxlength: "7", autocomplete: "off" },
    });
    const submit = (event) => {
      event.preventDefault();
      const number = digits.box.value.replace(/\s/g, "");
      if (!/^[0-9]{6}$/.test(number)) return digits.complain(t("authenticator.request.type_wrong"));
      answer("approve", number);
    };
    return {
      body: el("form", { id: "form", submit, novalidate: true }, digits.whole),
      actions: el("button", { class: "button", form: "form" }, t("authenticator.approve")),
    };
  },
  // An app that asks without a sign-in page shows the same text where the person began.
  // It may come by itself under a thumb that was pressing something else, and one press is enough: the button waits a moment.
  message: ({ t, sleep }, { shown }, answer) => {
    const approve = button(t("authenticator.approve"), () => answer("approve", shown.message), "", { disabled: true });
    sleep(moment).then(() => (approve.disabled = false));
    return {
      lead: el("div", {}, p(t("authenticator.request.message"), "ask"), el("p", { class: "compared" }, shown.message),
        p(t("authenticator.request.message_text", { App: shown.app || t("authenticator.request.unnamed") }), "small")),
      actions: approve,
    };
  },
  none: ({ t }, _, answer) => ({
    body: p(t("authenticator.request.test_text"), "lead"),
    actions: button(t("authenticator.approve"), () => answer("approve")),
  }),
};

// unknown is a way that came after this version of the app, which must not say yes to it.
const unknown = ({ t }) => ({ lead: p(t("authenticator.request.unknown"), "lead") });

// decide sends the answer and goes on. Without a network the request stays.
async function decide(app, entry, decision, number, said) {
  const { t } = app;
  if (entry.answering) return;
  said.hidden = true;
  document.getElementById("view").setAttribute("aria-busy", "true");
  try {
    const result = await app.answer(entry, decision, { number });
    if (result === "approved") return app.replace(`#/done/${{ test: "tested", ask: "answered" }[entry.request.purpose] ?? "approved"}`);
    app.answered.set(entry.request.id, { entry, wrong: result === "wrong_number" });
    return app.replace(entry.request.purpose === "test" ? "#/done/denied" : `#/denied/${encodeURIComponent(entry.request.id)}`);
  } catch (error) {
    if (error instanceof Removed) return app.removed(entry.accountID).then(() => app.replace("#/"));
    if (error instanceof Refused && !isTransient(error)) {
      app.requests.settle(entry.request.id);
      return app.replace(error.code === "gone" ? `#/gone/${error.body.how ?? "expired"}${error.body.elsewhere ? "/elsewhere" : ""}` : "#/gone/expired");
    }
    said.textContent = t("authenticator.problem.unreachable_text");
    said.hidden = false;
  } finally {
    document.getElementById("view").removeAttribute("aria-busy");
  }
}

// fetchEntry asks the issuer for a request that a notification spoke of. undefined
// means that there is no such request, null that nobody knows.
async function fetchEntry(app, id) {
  app.screens.show({ title: app.t("authenticator.request.fetching"), picture: picture.wait(), body: [] });
  let silent = false;
  for (const account of await app.accounts.list()) {
    const asked = await app.attempt(account.id, () => app.requests.ask(account).then(() => true));
    if (app.requests.find(id)) return app.requests.find(id);
    silent ||= !asked && Boolean(await app.store.get("accounts", account.id));
  }
  return silent ? null : undefined;
}

function unreachable(app) {
  const { t } = app;
  return {
    title: t("authenticator.problem.unreachable"), picture: picture.wait(), back: "#/",
    body: p(t("authenticator.problem.unreachable_text"), "lead"),
    actions: [button(t("authenticator.again"), () => app.go(location.hash))],
  };
}

// denied asks who it was: whoever asked knows the password, but for an app that asks by itself.
export function denied(app, id) {
  const { t } = app;
  const { entry, wrong } = app.answered.get(id) ?? {};
  if (!entry) return app.replace("#/");
  const byApp = entry.request.purpose === "ask";
  const everywhere = el("input", { type: "checkbox", id: "everywhere", checked: true });
  const said = el("p", { class: "problem", role: "alert", hidden: true });
  const report = async () => {
    said.hidden = true;
    try {
      await app.answer(entry, "not_me", { endSessions: !byApp && everywhere.checked });
      app.answered.delete(id);
      app.replace(byApp ? "#/done/disowned" : "#/done/reported");
    } catch (error) {
      if (error instanceof Removed) return app.removed(entry.accountID).then(() => app.replace("#/"));
      if (error instanceof Refused && !isTransient(error)) return app.replace("#/gone/denied");
      said.textContent = t("authenticator.problem.unreachable_text");
      said.hidden = false;
    }
  };
  const mine = () => {
    app.answered.delete(id);
    app.replace(byApp ? "#/done/refused" : "#/done/denied");
  };
  return {
    title: t("authenticator.denied.title"), picture: picture.stop(),
    body: byApp ? p(t("authenticator.denied.ask", { App: entry.request.shown.app || t("authenticator.request.unnamed") }), "lead") : [
      wrong && p(t("authenticator.denied.wrong_number"), "note"),
      p(t("authenticator.denied.text", { App: entry.request.shown.app || t("authenticator.request.unnamed") }), "lead"),
      el("label", { class: "tick", for: "everywhere" }, everywhere, el("span", {}, t("authenticator.denied.everywhere"))),
      p(t("authenticator.denied.everywhere_text"), "small"),
    ],
    actions: [said, button(t("authenticator.denied.not_me"), report, "grave"), button(t("authenticator.denied.me"), mine, "second")],
  };
}

const ends = {
  approved: ["authenticator.done.approved", "authenticator.done.approved_text"],
  tested: ["authenticator.done.tested", "authenticator.done.tested_text"],
  denied: ["authenticator.done.denied", "authenticator.done.denied_text"],
  reported: ["authenticator.done.reported", "authenticator.done.reported_text"],
  answered: ["authenticator.done.approved", "authenticator.done.answered_text"],
  refused: ["authenticator.done.denied", "authenticator.done.refused_text"],
  disowned: ["authenticator.done.reported", "authenticator.done.disowned_text"],
};

export function done(app, how) {
  const { t } = app;
  const [title, text] = ends[how];
  return {
    title: t(title), calm: true, picture: how === "denied" || how === "refused" ? picture.stop() : picture.good(),
    body: p(t(text), "lead"), actions: [link(t("authenticator.done.button"), "#/")],
  };
}

const outcomes = {
  approved: ["authenticator.gone.approved", "authenticator.gone.approved_text", "authenticator.gone.approved_elsewhere"],
  denied: ["authenticator.gone.denied", "authenticator.gone.denied_text", "authenticator.gone.denied_elsewhere"],
  expired: ["authenticator.gone.expired", "authenticator.gone.expired_text"],
  cancelled: ["authenticator.gone.cancelled", "authenticator.gone.cancelled_text"],
};

// gone says what has become of a request. Whoever holds another phone of the account may not be its owner.
export function gone(app, how, elsewhere) {
  const { t } = app;
  const [title, here, there] = outcomes[how] ?? outcomes.expired;
  const text = (elsewhere && there) || here;
  return {
    title: t(title), calm: true, picture: picture.wait(),
    body: p(t(text), "lead"), actions: [link(t("authenticator.done.button"), "#/")],
  };
}
