// Adding an account: installing the app first where it must be, scanning, typing,
// comparing, done.
import { isTransient } from "./accounts.js";
import { Refused, Unreachable } from "./errors.js";
import { isKey, parseOtpauth } from "./otpauth.js";
import { pair, readLink, waitForAnswer } from "./pairing.js";
import { deviceName, isIOS, isInstalled, mustInstall } from "./platform.js";
import { lookByDetector, lookByIssuer, openCamera, ownEyes, scan } from "./scan.js";
import { importTOTP } from "./totp.js";
import { button, el, field, link, p, picture, steps, svg } from "./view.js";

// install explains how the app comes to the home screen. On iOS there is no other way on.
export function install(app) {
  const { t } = app;
  if (isIOS(navigator)) {
    return {
      title: t("authenticator.install.ios_title"), picture: picture.phone(), back: mustInstall(window) ? undefined : "#/",
      body: [
        p(t("authenticator.install.ios_text"), "lead"),
        steps([t("authenticator.install.ios_step1"), " ", share()], t("authenticator.install.ios_step2"), t("authenticator.install.ios_step3")),
      ],
    };
  }
  const press = async () => {
    const offer = app.installing;
    app.installing = null;
    await offer.prompt();
    app.go("#/");
  };
  const body = isInstalled(window) ? p(t("authenticator.install.done"), "lead")
    : app.installing ? p(t("authenticator.install.text"), "lead")
      : [p(t("authenticator.install.text"), "lead"), steps(t("authenticator.install.menu_step1"), t("authenticator.install.menu_step2"))];
  return {
    title: t("authenticator.install.title"), picture: picture.phone(), body, back: "#/",
    actions: [app.installing && button(t("authenticator.install.offer"), press), link(t("authenticator.home.add"), "#/add", app.installing ? "second" : "")],
  };
}

const share = () => svg("0 0 24 24", { class: "inline" }, ["path", { d: "M12 15V3m0 0L8 7m4-4 4 4M7 11H5v10h14V11h-2" }]);

// scanning looks for a code with the camera.
export function scanning(app) {
  const { t } = app;
  const stop = new AbortController();
  const video = el("video", { muted: true, playsinline: true, "aria-label": t("authenticator.add.camera") });
  const frame = el("div", { class: "finder" }, video, el("span", { class: "corners" }));
  const said = el("p", { class: "note", role: "status" }, t("authenticator.add.starting"));
  look(app, { video, frame, said, stop });
  return {
    title: t("authenticator.add.title"), back: "#/",
    body: [p(t("authenticator.add.text"), "lead"), frame, said],
    actions: [link(t("authenticator.add.type"), "#/add/key", "second")],
    leave: () => stop.abort(),
  };
}

async function look(app, { video, frame, said, stop }) {
  const { t, tools } = app;
  let close;
  try {
    close = await openCamera(navigator, video);
  } catch (error) {
    frame.hidden = true;
    said.textContent = t(error.name === "NotAllowedError" ? "authenticator.add.refused" : "authenticator.add.no_camera");
    return;
  }
  if (stop.signal.aborted) return close();
  stop.signal.addEventListener("abort", close);
  said.textContent = t("authenticator.add.looking");
  const detector = await ownEyes(window);
  const eyes = detector ? lookByDetector(detector, video) : lookByIssuer(tools, video, document.createElement("canvas"));
  await scan({ look: eyes, take: (text) => take(app, text, said), sleep: app.sleep }, stop.signal);
}

// take goes on with a text that was read; false means: look further.
async function take(app, text, said) {
  const found = readLink(text, app.issuer);
  if (found.code) {
    app.scanned = found;
    app.replace("#/pair");
    return true;
  }
  const other = parseOtpauth(text);
  if (other) {
    await keepOther(app, other);
    app.replace("#/");
    return true;
  }
  said.textContent = app.t(found.problem === "other_issuer" ? "authenticator.problem.other_issuer_text" : "authenticator.add.not_ours");
  return false;
}

// typing takes the pairing key by hand.
export function typing(app) {
  const { t } = app;
  const key = field({
    id: "key", label: t("authenticator.key.label"), hint: t("authenticator.key.hint", { Host: new URL(app.issuer).host }),
    input: { class: "mono", autocapitalize: "characters", autocorrect: "off" },
  });
  const submit = (event) => {
    event.preventDefault();
    const found = readLink(key.box.value, app.issuer);
    if (found.code) {
      app.scanned = found;
      return app.replace("#/pair");
    }
    key.complain(t(found.problem === "other_issuer" ? "authenticator.problem.other_issuer_text" : "authenticator.key.wrong"));
  };
  return {
    title: t("authenticator.key.title"), back: "#/add",
    body: [
      p(t("authenticator.key.text"), "lead"),
      el("form", { id: "form", submit, novalidate: true }, key.whole),
      el("p", {}, el("a", { href: "#/add/other" }, t("authenticator.service.offer"))),
    ],
    actions: [el("button", { class: "button", form: "form" }, t("authenticator.next"))],
  };
}

// other takes the key of another service's codes.
export function other(app) {
  const { t } = app;
  const name = field({ id: "name", label: t("authenticator.service.name"), hint: t("authenticator.service.name_hint"), input: { maxlength: "60" } });
  const key = field({ id: "key", label: t("authenticator.service.key"), hint: t("authenticator.service.key_hint"), input: { class: "mono", autocapitalize: "characters", autocorrect: "off" } });
  const submit = async (event) => {
    event.preventDefault();
    name.complain("");
    key.complain("");
    const scanned = parseOtpauth(key.box.value);
    const found = scanned ?? { issuer: "", name: "", secret: key.box.value };
    if (!name.box.value.trim() && !scanned) return name.complain(t("authenticator.service.name_missing"));
    if (!isKey(found.secret)) return key.complain(t("authenticator.service.key_wrong"));
    try {
      await keepOther(app, { ...found, title: name.box.value.trim() });
    } catch {
      return key.complain(t("authenticator.service.key_wrong"));
    }
    app.replace("#/");
  };
  return {
    title: t("authenticator.service.title"), back: "#/add",
    body: [p(t("authenticator.service.text"), "lead"), el("form", { id: "form", submit, novalidate: true }, name.whole, key.whole)],
    actions: [el("button", { class: "button", form: "form" }, t("authenticator.save"))],
  };
}

async function keepOther(app, { issuer, name, title, ...key }) {
  const code = await importTOTP(key);
  await app.store.put("others", { id: crypto.randomUUID(), issuer, name, title, code });
}

// pairing sends the code, or goes on where a reload interrupted it.
export async function pairing(app) {
  const { t } = app;
  const { code, problem } = app.scanned ?? {};
  app.scanned = undefined;
  if (problem) return failed(app, problem);
  let account = code ? undefined : await app.accounts.unfinished();
  if (!code && !account) return home(app);
  if (code) {
    app.screens.show({ title: t("authenticator.pair.sending"), picture: picture.wait(), body: [] });
    try {
      account = await pair(app.tools, { code, name: await deviceName(navigator), lang: app.lang });
    } catch (error) {
      return failed(app, problemOf(error), code);
    }
  }
  const stop = new AbortController();
  wait(app, account, stop.signal);
  const cancel = async () => {
    await app.accounts.forget(account.id);
    app.replace("#/");
  };
  return {
    title: t("authenticator.pair.title"),
    body: [
      el("p", { class: "comparison" }, el("output", { id: "comparison" }, account.comparison)),
      p(t("authenticator.pair.text"), "lead"),
      steps(t("authenticator.pair.step1"), t("authenticator.pair.step2"), t("authenticator.pair.step3")),
      el("p", { class: "note", role: "status" }, el("span", { class: "spinner" }), t("authenticator.pair.waiting")),
    ],
    actions: [button(t("authenticator.cancel"), cancel, "second")],
    leave: () => stop.abort(),
  };
}

function home(app) {
  app.replace("#/");
}

// wait goes on to the paired account, or says what came in between.
async function wait(app, account, signal) {
  let problem = "";
  if (account.state === "pairing") problem = await waitForAnswer(app.tools, account.id, signal);
  if (signal.aborted || problem === "aborted") return;
  if (problem) {
    await app.accounts.forget(account.id);
    return app.screens.show(failed(app, problem));
  }
  // The account is ours; its name may still take a moment without a network.
  for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 10_000)) {
    try {
      await app.accounts.refresh(account.id);
      break;
    } catch (error) {
      if (!isTransient(error)) {
        await app.accounts.forget(account.id);
        return app.screens.show(failed(app, "access_denied"));
      }
      await app.sleep(pause, signal);
    }
  }
  if (signal.aborted) return;
  app.replace(`#/paired/${account.id}`);
  app.refresh();
}

function problemOf(error) {
  if (error instanceof Refused) return error.code;
  if (error instanceof Unreachable) return "unreachable";
  console.warn(error);
  return "failed";
}

const problems = {
  not_a_code: ["authenticator.problem.not_a_code", "authenticator.problem.not_a_code_text"],
  invalid_code: ["authenticator.problem.invalid_code", "authenticator.problem.invalid_code_text"],
  already_used: ["authenticator.problem.already_used", "authenticator.problem.already_used_text"],
  access_denied: ["authenticator.problem.access_denied", "authenticator.problem.access_denied_text"],
  expired_token: ["authenticator.problem.expired", "authenticator.problem.expired_text"],
  other_issuer: ["authenticator.problem.other_issuer", "authenticator.problem.other_issuer_text"],
  too_many: ["authenticator.problem.too_many", "authenticator.problem.too_many_text"],
  unreachable: ["authenticator.problem.unreachable", "authenticator.problem.unreachable_text"],
  failed: ["authenticator.problem.failed", "authenticator.problem.failed_text"],
};

// failed says what went wrong and how to go on. A code that was not sent can be sent again.
function failed(app, problem, code) {
  const { t } = app;
  const [title, text] = problems[problem] ?? problems.failed;
  const again = () => {
    app.scanned = { code };
    app.replace("#/pair");
  };
  const retry = code && (problem === "unreachable" || problem === "too_many");
  return {
    title: t(title), picture: picture.stop(), body: p(t(text), "lead"), back: "#/",
    actions: [retry ? button(t("authenticator.again"), again) : link(t("authenticator.problem.scan_again"), "#/add")],
  };
}

// paired is the good end, and the moment to ask for notifications: the browser may be
// asked from a press alone.
export async function paired(app, id) {
  const { t } = app;
  const account = await app.store.get("accounts", id);
  if (!account) return home(app);
  const ask = (await app.push.state()) === "ask";
  const on = () => {
    const next = app.requests.waiting()[0];
    app.replace(next ? `#/request/${encodeURIComponent(next.request.id)}` : "#/");
  };
  const enable = async () => {
    await app.push.enable(await app.accounts.list()).catch((error) => console.warn(error.message));
    on();
  };
  return {
    title: t("authenticator.paired.title"), picture: picture.good(), calm: !ask, expecting: ask,
    body: [
      p(t("authenticator.paired.text", { Account: account.address || account.name }), "lead"),
      ask ? p(t("authenticator.paired.notifications")) : p(t("authenticator.paired.next")),
    ],
    actions: ask
      ? [button(t("authenticator.notifications.turn_on"), enable), button(t("authenticator.not_now"), on, "second")]
      : [button(t("authenticator.done.button"), on)],
  };
}
