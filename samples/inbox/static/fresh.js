// Shows new messages without a reload. The page works without this file.
const list = document.getElementById("messages");

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("messages");
  // Replacing equal content would take the focus from a keyboard user.
  if (fresh && fresh.innerHTML !== list.innerHTML) list.replaceChildren(...fresh.childNodes);
}

setInterval(() => refresh().catch(() => {}), 2000);
