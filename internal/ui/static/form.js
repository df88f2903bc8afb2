// Every page: a form is sent once, however often its button is pressed. The server stands a second press too; this spares
// the person the odd page that it would answer with.

const LONGEST = 10_000; // ms; after that the network has lost it, and trying again is right

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  form.setAttribute("aria-busy", "true");
  setTimeout(() => form.removeAttribute("aria-busy"), LONGEST);
});

// A page that comes back out of the browser's memory may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});
