// Buttons that copy a key or a code. They are there only where this script runs and the browser lets it copy.

const status = document.getElementById("copy-status");

for (const button of document.querySelectorAll("[data-copies]")) {
  if (!navigator.clipboard) continue; // not over plain HTTP
  button.hidden = false;
  button.closest(".tools").hidden = false;
  button.addEventListener("click", async () => {
    const shown = document.getElementById(button.dataset.copies);
    status.textContent = ""; // so that a second press is heard too
    try {
      await navigator.clipboard.writeText(shown.textContent.replace(/\s/g, "")); // the gaps between groups are for the eye
      status.textContent = status.dataset.done;
      status.classList.add("met");
    } catch {
      status.textContent = status.dataset.failed;
      status.classList.remove("met");
      getSelection().selectAllChildren(shown);
    }
  });
}
