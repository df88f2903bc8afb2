// The button that shows a password and hides it again. It is there only where this script runs.

for (const button of document.querySelectorAll("button.reveal")) {
  const fields = button.getAttribute("aria-controls").split(" ").map((id) => document.getElementById(id));
  const word = button.querySelector("span");
  const show = word.textContent;
  const turn = (visible) => {
    for (const field of fields) field.type = visible ? "text" : "password";
    word.textContent = visible ? button.dataset.hide : show;
  };
  button.hidden = false;
  button.addEventListener("click", () => turn(fields[0].type === "password"));
  // Sent as a password, so that the browser does not keep it among its suggestions for text.
  button.form.addEventListener("submit", () => turn(false));
}
