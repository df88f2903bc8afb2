// Draws the app's few pages. Text goes in as text, never as HTML.
import { holidays, nextShifts } from "./schedule.js";
import { texts } from "./texts.js";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "click") made.addEventListener("click", value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export class View {
  #lang;
  #t;
  #actions;
  #greeted = null; // whose home page stands there
  #place = document.getElementById("view");
  #notice = document.getElementById("notice");
  #footer = document.getElementById("footer");

  // actions: login, logout, logoutHere, again.
  constructor(lang, actions) {
    this.#lang = lang;
    this.#t = texts[lang];
    this.#actions = actions;
    document.documentElement.lang = lang;
    this.#place.replaceChildren(element("p", { class: "waiting" }, this.#t.waiting));
    this.#drawFooter();
  }

  // welcome is every signed-out page; key chooses its words.
  welcome(key = "welcome") {
    this.#show(
      element("img", { class: "picture", src: "/app/welcome.svg", alt: "", width: 280, height: 180 }),
      this.#heading(this.#t[key]),
      element("p", { class: "lead" }, this.#t[`${key}Text`]),
      element("button", { click: this.#actions.login }, this.#t.login),
    );
  }

  // unreachable leaves an older page standing, with a word beside it.
  unreachable(reason) {
    if (this.#greeted !== null) return this.notice(reason);
    this.#show(
      this.#heading("HRM Mobile"),
      element("p", { class: "lead" }, this.#t[reason]),
      element("button", { click: this.#actions.again }, this.#t.again),
    );
  }

  // home stays as it is for the same person: redrawing would take the focus.
  home(name, today = new Date()) {
    if (this.#greeted === name) return;
    this.#show(this.#heading(this.#t.hello(name)), this.#shifts(today), this.#holidays(), this.#leaving());
    this.#greeted = name;
    this.#place.className = "home";
  }

  // notice is said once, beside whatever stands on the page.
  notice(key) {
    this.#notice.hidden = !key;
    this.#notice.textContent = key ? this.#t[key] : "";
  }

  // show replaces the page and tells a screen reader by moving to its heading.
  #show(...children) {
    this.#greeted = null;
    this.#place.className = "";
    this.notice(null);
    this.#place.replaceChildren(...children);
    this.#place.querySelector("h1").focus({ preventScroll: true });
  }

  #heading(words) {
    document.title = words === "HRM Mobile" ? words : `${words} – HRM Mobile`;
    return element("h1", { tabindex: "-1" }, words);
  }

  #shifts(today) {
    const [next, ...later] = nextShifts(today);
    const rows = later.map((s) => this.#row(this.#day(s.day, "short"), `${s.from}–${s.to}`));
    return element(
      "section",
      { class: "card" },
      element("h2", {}, this.#t.shift),
      element("p", { class: "figure" }, `${next.from}–${next.to}`),
      element("p", { class: "day" }, this.#day(next.day)),
      element("h3", {}, this.#t.later),
      element("dl", {}, ...rows),
    );
  }

  #holidays() {
    const rows = ["left", "saved", "taken"].map((key) => this.#row(this.#t[key], String(holidays[key])));
    return element("section", { class: "card" }, element("h2", {}, this.#t.holiday), element("dl", {}, ...rows));
  }

  #row(name, value) {
    return element("div", {}, element("dt", {}, name), element("dd", {}, value));
  }

  #day(day, form = "long") {
    return new Intl.DateTimeFormat(this.#lang, { weekday: form, day: "numeric", month: form }).format(day);
  }

  #leaving() {
    return element(
      "section",
      { class: "leaving" },
      element("button", { class: "quiet", click: this.#actions.logout, "aria-describedby": "logout-why" }, this.#t.logout),
      element("p", { id: "logout-why", class: "hint" }, this.#t.logoutWhy),
      element("button", { class: "link", click: this.#actions.logoutHere, "aria-describedby": "here-why" }, this.#t.here),
      element("p", { id: "here-why", class: "hint" }, this.#t.hereWhy),
    );
  }

  #drawFooter() {
    const link = (lang, words) =>
      element("a", { href: `/?lang=${lang}`, lang, ...(lang === this.#lang && { "aria-current": "true" }) }, words);
    const languages = element("nav", { "aria-label": this.#t.language }, link("sv", "Svenska"), link("en", "English"));
    this.#footer.replaceChildren(languages);
  }
}
