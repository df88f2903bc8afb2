// An account's settings, another service's code, and the notifications.
import { Refused, Removed } from "./errors.js";
import { isAndroid, isIOS, isInstalled } from "./platform.js";
import { breakable, button, el, facts, field, link, p, picture, steps } from "./view.js";

export async function account(app, id) {
  const { t } = app;
  const found = await app.store.get("accounts", id);
  if (!found) return app.replace("#/");
  const rename = renaming(app, "accounts", found, found.employer || found.name || found.address);
  return {
    title: found.title || found.employer || found.name || found.address, back: "#/",
    body: [
      facts([t("authenticator.settings.name"), found.name], [t("authenticator.settings.address"), found.address && breakable(found.address)], [t("authenticator.settings.employer"), found.employer],
        [t("authenticator.settings.issuer"), new URL(app.issuer).host]),
      rename.form,
      el("p", {}, el("a", { href: "#/notifications" }, t("authenticator.notifications.title"))),
    ],
    actions: [rename.save, link(t("authenticator.remove.offer"), `#/account/${id}/remove`, "second grave")],
  };
}

// renaming is the name that an entry has in this app alone.
function renaming(app, shelf, entry, usual) {
  const { t } = app;
  const name = field({ id: "title", label: t("authenticator.settings.title"), hint: t("authenticator.settings.title_hint"), input: { value: entry.title ?? "", placeholder: usual, maxlength: "60" } });
  const submit = async (event) => {
    event.preventDefault();
    await app.store.update(shelf, entry.id, (old) => ({ ...old, title: name.box.value.trim() }));
    app.replace("#/");
  };
  return {
    form: el("form", { id: "form", submit }, name.whole),
    save: el("button", { class: "button", form: "form" }, t("authenticator.save")),
  };
}

export async function remove(app, id) {
  const { t } = app;
  const found = await app.store.get("accounts", id);
  if (!found) return app.replace("#/");
  const said = el("p", { class: "problem", role: "alert", hidden: true });
  const go = async () => {
    said.hidden = true;
    try {
      await app.accounts.leave(id);
      app.requests.clear(id);
      app.requests.listen(await app.accounts.list());
      await app.replace("#/");
      app.screens.notice(el("p", {}, t("authenticator.remove.done", { Account: found.address || found.name })));
    } catch (error) {
      if (error instanceof Removed) return app.removed(id).then(() => app.replace("#/"));
      const last = error instanceof Refused && error.code === "last";
      said.textContent = t(last ? "authenticator.remove.last" : "authenticator.problem.unreachable_text");
      said.hidden = false;
    }
  };
  return {
    title: t("authenticator.remove.title"), picture: picture.stop(), back: `#/account/${id}`,
    body: [p(t("authenticator.remove.text", { Account: found.address || found.name }), "lead")],
    actions: [said, button(t("authenticator.remove.button"), go, "grave"), link(t("authenticator.cancel"), `#/account/${id}`, "second")],
  };
}

// otherCode is the entry of another service: it lives on this phone alone.
export async function otherCode(app, id) {
  const { t } = app;
  const found = await app.store.get("others", id);
  if (!found) return app.replace("#/");
  const usual = found.issuer || found.name;
  const rename = renaming(app, "others", found, usual);
  const sure = el("section", { class: "card alarm", hidden: true, "aria-labelledby": "sure" },
    el("h2", { id: "sure" }, t("authenticator.service.remove_title")), p(t("authenticator.service.remove_text")),
    button(t("authenticator.remove.button"), async () => {
      await app.store.delete("others", id);
      app.replace("#/");
    }, "grave"));
  const ask = () => {
    sure.hidden = false;
    sure.querySelector("button").focus();
  };
  return {
    title: found.title || usual, back: "#/",
    body: [facts([t("authenticator.settings.service"), found.issuer], [t("authenticator.settings.name"), found.name]), rename.form, sure],
    actions: [rename.save, button(t("authenticator.service.remove"), ask, "second grave")],
  };
}

// notifications says what state they are in and what to do about it.
export async function notifications(app) {
  const { t } = app;
  const accounts = await app.accounts.list();
  const state = await app.push.state();
  const again = async (work) => {
    await work.catch((error) => console.warn(error.message));
    app.replace("#/notifications");
  };
  const enable = button(t("authenticator.notifications.turn_on"), () => again(app.push.enable(accounts)));
  const disable = button(t("authenticator.notifications.turn_off"), () => again(app.push.disable(accounts)), "second");
  const screens = {
    on: [t("authenticator.notifications.on"), t("authenticator.notifications.on_text"), null, [disable]],
    ask: [t("authenticator.notifications.off"), t("authenticator.notifications.ask_text"), null, [enable]],
    off: [t("authenticator.notifications.off"), t("authenticator.notifications.ask_text"), null, [enable]],
    denied: [t("authenticator.notifications.denied"), t("authenticator.notifications.denied_text"), denied(t), []],
    unsupported: [t("authenticator.notifications.unsupported"), t("authenticator.notifications.open_text"), null, []],
    failing: [t("authenticator.notifications.failing"), t("authenticator.notifications.open_text"), null, [enable]],
  };
  const [title, text, how, actions] = screens[state];
  return { title, picture: picture.bell(), back: "#/", body: [p(text, "lead"), how], actions };
}

// denied tells where this kind of device keeps the permission.
function denied(t) {
  if (isIOS(navigator)) return steps(t("authenticator.notifications.ios_step1"), t("authenticator.notifications.ios_step2"));
  if (isAndroid(navigator) && isInstalled(window)) return steps(t("authenticator.notifications.android_step1"), t("authenticator.notifications.android_step2"));
  return steps(t("authenticator.notifications.browser_step1"), t("authenticator.notifications.browser_step2"));
}
