// The first screen: how it works, or the accounts with their codes.
import { breakable, button, el, link, p, picture, ring, steps, svg } from "./view.js";
import { isAndroid, isInstalled } from "./platform.js";
import { codeAt, secondsLeft } from "./totp.js";

export async function home(app) {
  const [accounts, others, words] = [await app.accounts.list(), await app.store.all("others"), await notes(app)];
  if (accounts.length + others.length === 0) return welcome(app, words);
  const { t } = app;
  const cards = [...accounts.map((a) => accountCard(app, a)), ...others.map((o) => otherCard(app, o))];
  const draw = () => cards.forEach((card) => card.draw(app.now()));
  await Promise.all(cards.map((card) => card.draw(app.now())));
  const timer = setInterval(draw, 500);
  const hint = await tip(app, accounts);
  return {
    title: t("authenticator.home.title"), calm: true, mark: markOf(app, accounts, others, words, hint),
    body: [waiting(app), words, hint, el("ul", { class: "cards" }, cards.map(({ card }) => card))],
    actions: [link(t("authenticator.home.add"), "#/add", "second")],
    leave: () => clearInterval(timer),
  };
}

// markOf changes with everything that the screen shows but the digits.
function markOf(app, accounts, others, words, hint) {
  const shown = accounts.map(({ id, title, employer, name, address, totp, offset }) => [id, title, employer, name, address, Boolean(totp), Math.round(offset / 2000)]);
  return JSON.stringify([shown, others.map(({ id, title }) => [id, title]), words.length, hint?.textContent, app.requests.waiting().map((e) => e.request.id)]);
}

function welcome(app, words) {
  const { t } = app;
  return {
    title: t("authenticator.start.title"), calm: true, mark: `start ${words.length} ${Boolean(app.installing)}`,
    picture: words.length === 0 && picture.phone(),
    body: [
      words,
      p(t("authenticator.start.text"), "lead"),
      steps(t("authenticator.start.step1"), t("authenticator.start.step2"), t("authenticator.start.step3")),
    ],
    actions: [link(t("authenticator.home.add"), "#/add"), installable(app) && link(t("authenticator.install.offer"), "#/install", "second")],
  };
}

const installable = (app) => !isInstalled(window) && (app.installing || isAndroid(navigator));

// notes are what the person must hear of: accounts that were removed, and accounts whose
// keys this phone has lost. Each stays until she has pressed OK.
async function notes(app) {
  const { t } = app;
  const removed = (await app.store.all("removed")).map((word) => note(app, {
    id: word.id,
    title: t("authenticator.removed.title", { Account: word.address || word.name }),
    text: t("authenticator.removed.text", { Time: time(app, word.at) }),
    seen: () => app.store.delete("removed", word.id),
  }));
  const lost = (await app.accounts.lost()).map((entry) => note(app, {
    id: entry.id,
    title: t("authenticator.lost.title", { Account: entry.address || entry.name }),
    text: t("authenticator.lost.text"),
    seen: () => app.accounts.seen(entry.id),
  }));
  return [...removed, ...lost];
}

function note(app, { id, title, text, seen }) {
  const ok = async () => {
    await seen();
    app.replace("#/");
  };
  return el("section", { class: "card alarm", "aria-labelledby": `note-${id}` }, el("h2", { id: `note-${id}` }, breakable(title)), p(text), button(app.t("authenticator.ok"), ok, "second compact"));
}

export const time = (app, at) => new Intl.DateTimeFormat(app.calendar, { dateStyle: "long", timeStyle: "short" }).format(at);

function waiting(app) {
  const { t } = app;
  const all = app.requests.waiting();
  if (all.length === 0) return null;
  const to = all.length === 1 ? `#/request/${encodeURIComponent(all[0].request.id)}` : "#/requests";
  return el("section", { class: "card call", "aria-labelledby": "waiting" },
    el("h2", { id: "waiting" }, t("authenticator.request.arrived")),
    link(t("authenticator.request.show"), to));
}

// tip says once per state why notifications matter, and how to get them.
async function tip(app, accounts) {
  const { t } = app;
  if (accounts.length === 0) return null;
  const state = await app.push.state();
  if (state === "on" || (await app.store.get("settings", "tip"))?.value === state) return null;
  const later = async () => {
    await app.store.put("settings", { name: "tip", value: state });
    app.replace("#/");
  };
  return el("section", { class: "card", "aria-labelledby": "tip" },
    el("h2", { id: "tip" }, t("authenticator.notifications.off")),
    p(t("authenticator.notifications.off_text")),
    el("div", { class: "tools" }, link(t("authenticator.notifications.how"), "#/notifications", "second compact"), button(t("authenticator.not_now"), later, "plain compact")));
}

function accountCard(app, account) {
  return codeCard(app, {
    id: account.id, code: account.totp, offset: account.offset ?? 0, settings: `#/account/${account.id}`,
    title: account.title || account.employer || account.name || account.address, text: account.address,
  });
}

function otherCard(app, other) {
  return codeCard(app, { id: other.id, code: other.code, offset: 0, settings: `#/other/${other.id}`, title: other.title || other.issuer || other.name, text: other.name });
}

// codeCard shows a name and the six digits of the moment. draw brings them up to date.
function codeCard(app, { id, code, offset, settings, title, text }) {
  const { t } = app;
  const digits = el("code", {});
  const left = el("span", { class: "unseen" });
  const clock = ring();
  let shown = "";
  let step = -1;
  const copy = el("button", { id: `copy-${id}`, type: "button", class: "button second compact", click: () => copyCode() },
    t("authenticator.copy"), el("span", { class: "unseen" }, t("authenticator.copy_what", { Account: title })));
  const said = el("p", { class: "status small", role: "status" });
  const card = el("li", { class: "card account" },
    el("div", { class: "names" }, el("h2", {}, title), text && text !== title && el("p", { class: "small address" }, breakable(text)),
      el("a", { id: `settings-${id}`, class: "gear", href: settings }, gear(), el("span", { class: "unseen" }, t("authenticator.settings.of", { Account: title })))),
    code ? el("div", { class: "code" }, el("p", { class: "digits" }, digits), el("span", { class: "clock" }, clock.drawn, left), copy) : p(t("authenticator.home.no_code"), "small"),
    said);

  async function copyCode() {
    await navigator.clipboard?.writeText(shown).then(() => (said.textContent = t("authenticator.copied")), () => {});
  }

  async function draw(now) {
    if (!code) return;
    const seconds = secondsLeft(code, now + offset);
    const turn = Math.floor((now + offset) / 1000 / code.period);
    if (turn !== step) {
      step = turn;
      shown = await codeAt(code, now + offset);
      said.textContent = "";
      const half = Math.ceil(shown.length / 2);
      digits.replaceChildren(el("span", {}, shown.slice(0, half)), el("span", {}, shown.slice(half)));
    }
    clock.set(seconds / code.period);
    clock.drawn.classList.toggle("late", seconds <= 5);
    left.textContent = t("authenticator.seconds_left", { Seconds: seconds });
  }
  return { card, draw };
}

const gear = () => svg("0 0 24 24", {}, ["circle", { cx: 5, cy: 12, r: 2 }], ["circle", { cx: 12, cy: 12, r: 2 }], ["circle", { cx: 19, cy: 12, r: 2 }]);
