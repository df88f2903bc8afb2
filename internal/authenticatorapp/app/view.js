// Makes elements and shows screens. Text goes in as text, never as HTML.
const svgNS = "http://www.w3.org/2000/svg";

// el makes an element. An attribute that is a function listens; one that is false,
// null or undefined is left out.
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// svg makes a drawing, which is for the eyes alone.
export function svg(viewBox, attributes = {}, ...shapes) {
  const made = document.createElementNS(svgNS, "svg");
  const children = shapes.map(([tag, more]) => fill(document.createElementNS(svgNS, tag), more, []));
  return fill(made, { viewBox, "aria-hidden": "true", focusable: "false", ...attributes }, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const button = (words, click, kind = "", more = {}) => el("button", { type: "button", class: `button ${kind}`.trim(), click, ...more }, words);

export const link = (words, href, kind = "", more = {}) => el("a", { href, class: `button ${kind}`.trim(), ...more }, words);

export const p = (words, kind) => el("p", { class: kind }, words);

// steps is a numbered list of what to do.
export const steps = (...items) => el("ol", { class: "steps" }, items.map((item) => el("li", {}, item)));

// facts is a list of names and values; a fact without a value is left out, and a list without facts is none.
export function facts(...rows) {
  const known = rows.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  return known.length > 0 && el("dl", { class: "facts" }, known);
}

// breakable lets a long address break before its "@" rather than anywhere.
export const breakable = (address) => (address ?? "").split(/(?=@)/).flatMap((part, i) => (i === 0 ? [part] : [el("wbr"), part]));

// field is a label with its input, and a place for what is wrong with it.
export function field({ id, label, hint, input = {} }) {
  const problem = el("p", { id: `${id}-problem`, class: "problem", role: "alert", hidden: true });
  const described = [hint && `${id}-hint`, `${id}-problem`].filter(Boolean).join(" ");
  const box = el("input", { id, "aria-describedby": described, autocomplete: "off", spellcheck: "false", ...input });
  const whole = el("div", { class: "field" }, el("label", { for: id }, label), problem, box, hint && el("p", { id: `${id}-hint`, class: "small" }, hint));
  const complain = (words) => {
    problem.hidden = !words;
    problem.textContent = words;
    if (words) box.setAttribute("aria-invalid", "true");
    else box.removeAttribute("aria-invalid");
    if (words) box.focus();
  };
  return { whole, box, complain };
}

// pictures that say how it went.
export const picture = {
  good: () => svg("0 0 64 64", { class: "picture" }, ["circle", { class: "soft", cx: 32, cy: 32, r: 30 }], ["path", { class: "line", d: "m19 33 9 9 17-19" }]),
  stop: () => svg("0 0 64 64", { class: "picture alarm" }, ["circle", { class: "soft", cx: 32, cy: 32, r: 30 }], ["path", { class: "line", d: "M22 22l20 20M42 22 22 42" }]),
  wait: () => svg("0 0 64 64", { class: "picture" }, ["circle", { class: "soft", cx: 32, cy: 32, r: 30 }], ["path", { class: "line", d: "M32 17v15l10 7" }]),
  phone: () => svg("0 0 64 64", { class: "picture" }, ["circle", { class: "soft", cx: 32, cy: 32, r: 30 }], ["path", { class: "line", d: "M24 15h16a3 3 0 0 1 3 3v28a3 3 0 0 1-3 3H24a3 3 0 0 1-3-3V18a3 3 0 0 1 3-3Z" }], ["path", { class: "line", d: "M27 33l4 4 7-8" }]),
  bell: () => svg("0 0 64 64", { class: "picture" }, ["circle", { class: "soft", cx: 32, cy: 32, r: 30 }], ["path", { class: "line", d: "M19 42h26l-3-5v-8a10 10 0 0 0-20 0v8ZM29 47a3 3 0 0 0 6 0" }]),
};

// ring shows how much of a code's time is left.
export function ring() {
  const round = 2 * Math.PI * 9;
  const drawn = svg("0 0 24 24", { class: "ring" }, ["circle", { class: "rail", cx: 12, cy: 12, r: 9 }], ["circle", { class: "arc", cx: 12, cy: 12, r: 9, "stroke-dasharray": round }]);
  const arc = drawn.lastChild;
  return { drawn, set: (part) => arc.setAttribute("stroke-dashoffset", (round * (1 - part)).toFixed(2)) };
}

// Screens shows one screen at a time. A screen is {title, body, actions, back, calm,
// expecting, mark, leave}: actions stand at the bottom, where the thumb is; calm means that a request
// may take its place; leave is called when it goes.
export class Screens {
  #t;
  #now = null;
  #place = document.getElementById("view");
  #notice = document.getElementById("notice");
  #back = document.getElementById("back");

  constructor(t) {
    this.#t = t;
    this.#back.lastElementChild.textContent = t("authenticator.back");
  }

  // expecting says that the screen leads on to what has arrived by itself.
  get expecting() {
    return this.#now?.expecting === true;
  }

  get calm() {
    return this.#now?.calm === true;
  }

  // show tells a screen reader by moving to the new heading. The same screen drawn anew
  // leaves the focus where it is, and is left alone where its mark says that nothing
  // has changed: a button must not go while it is pressed.
  show(screen, { quietly = false } = {}) {
    if (quietly && screen.mark === this.#now?.mark) return screen.leave?.();
    this.#now?.leave?.();
    const focused = quietly ? document.activeElement?.id : "";
    this.#now = screen;
    document.title = `${screen.title} – Portvakt Authenticator`;
    this.#back.hidden = !screen.back;
    if (screen.back) this.#back.setAttribute("href", screen.back);
    const heading = el("h1", { tabindex: "-1", class: screen.quiet ? "unseen" : undefined }, screen.title);
    const actions = screen.actions?.filter(Boolean) ?? [];
    this.#place.replaceChildren(
      el("div", { class: "body" }, screen.picture, heading, screen.body),
      ...(actions.length > 0 ? [el("div", { class: "actions" }, actions)] : []),
    );
    this.#place.className = screen.kind ?? "";
    if (quietly) {
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      return;
    }
    this.notice();
    scrollTo(0, 0);
    heading.focus({ preventScroll: true });
  }

  // notice is said once, above whatever stands there.
  notice(...words) {
    this.#notice.replaceChildren(...words);
  }
}
