// The recovery code: it can be printed, and the button to go on waits for the tick. The server asks for the tick as well.

const print = document.getElementById("print");
const saved = document.getElementById("saved");
const done = saved.form.querySelector("button");

print.hidden = false;
print.addEventListener("click", () => window.print());

const gate = () => (done.disabled = !saved.checked);
saved.addEventListener("change", gate);
addEventListener("pageshow", gate); // also where the browser has ticked it again by itself
gate();
