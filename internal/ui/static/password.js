// A new password: its rules are checked while it is typed. The server checks them all again, and the list of common
// passwords, which is too large to send, alone.

const password = document.getElementById("new_password");
const repeated = document.getElementById("repeat_password");
const rules = document.getElementById("rules");
const repeatStatus = document.getElementById("repeat-status");
const fold = (s) => s.normalize("NFC").toLocaleLowerCase();
const words = rules.dataset.words.split("\n").map(fold).filter(Boolean);

const checks = {
  length: (typed) => {
    const length = [...typed.normalize("NFC")].length; // code points, as the server counts
    return length >= Number(rules.dataset.min) && length <= Number(rules.dataset.max);
  },
  words: (typed) => {
    // As the server sees it: "Anna" inside a long sentence helps nobody who guesses; little else beside it does.
    const rest = words.reduce((left, word) => left.replaceAll(word, ""), fold(typed));
    return typed !== "" && (rest === fold(typed) || [...rest].length >= Math.max(Math.floor(rules.dataset.min / 2), 4));
  },
};

for (const item of rules.querySelectorAll("[data-rule]")) {
  const heard = document.createElement("span"); // colour and tick alone would say nothing to a listener
  heard.className = "unseen";
  item.append(heard);
  password.addEventListener("input", () => {
    const met = checks[item.dataset.rule](password.value);
    item.classList.toggle("met", met);
    heard.textContent = met ? ` (${rules.dataset.met})` : "";
  });
}

function compare() {
  if (repeated.value === "") {
    repeatStatus.textContent = "";
    return;
  }
  const same = repeated.value === password.value;
  // While it is being typed, "not the same yet" would only nag.
  const halfway = !same && password.value.startsWith(repeated.value);
  repeatStatus.textContent = halfway ? "" : same ? repeatStatus.dataset.same : repeatStatus.dataset.differs;
  repeatStatus.classList.toggle("met", same);
}
password.addEventListener("input", compare);
repeated.addEventListener("input", compare);
repeated.addEventListener("blur", () => {
  if (repeated.value !== "" && repeated.value !== password.value) repeatStatus.textContent = repeatStatus.dataset.differs;
});
