// Pages that wait for a phone. The server says when what they show has changed; then the page goes on by its form, or is shown anew.
// Without this script a page looks for itself every few seconds.

const LATER = 5_000; // ms until a page looks for itself whose stream was refused

const waiting = document.querySelector("[data-events]");

if (waiting) {
  const source = new EventSource(waiting.dataset.events);
  source.addEventListener("changed", (event) => {
    source.close();
    const go = document.getElementById("go");
    if (go && JSON.parse(event.data).state.endsWith(".approved")) go.requestSubmit();
    else location.reload();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), LATER);
  });
  // A browser may not leave a page whose stream is open as quickly as it could.
  addEventListener("pagehide", () => source.close());
}
