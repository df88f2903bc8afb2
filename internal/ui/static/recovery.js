// "Skapa lösenord": ticking the box solves the robot check and opens the two buttons; unticking it closes them.
import { Gate } from "./robot.js";

const box = document.getElementById("human");
const bar = document.getElementById("robot-progress");
const status = document.getElementById("robot-status");
const gate = new Gate(box.form, status);
const hint = status.textContent;

function untick(text) {
  box.checked = false;
  bar.hidden = true;
  gate.close(text);
}

async function check() {
  if (!box.checked) return untick(hint);
  status.textContent = status.dataset.working;
  bar.value = 0;
  bar.hidden = false;
  try {
    if (!(await gate.open((share) => (bar.value = share * 100), () => untick(status.dataset.expired)))) return;
    bar.hidden = true;
  } catch {
    untick(status.dataset.failed);
  }
}
box.addEventListener("change", check);
if (box.checked) check(); // a quick person, or a slow network: ticked before this script was there

// The answer is good for one sending: a page that comes back out of the browser's memory begins anew.
addEventListener("pageshow", (event) => {
  if (event.persisted) untick(hint);
});
