// The robot check: fetches a challenge, has it solved in a worker, and answers with what the form sends along.

const BEFORE_EXPIRY = 9 * 60_000; // ms; a challenge is good for ten minutes
const LONGEST = 20_000; // ms; after that the network has lost it, and ticking again is right

// solve returns "token.n". It throws where the network, the server or the worker fails.
export async function solve(url, progress = () => {}) {
  const answer = await fetch(url, { method: "POST", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(LONGEST) });
  if (!answer.ok) throw new Error(`challenge: ${answer.status}`);
  const puzzle = await answer.json();
  const n = await work(puzzle, progress);
  return `${puzzle.token}.${n}`;
}

function work(puzzle, progress) {
  const worker = new Worker(new URL("./robot-worker.js", import.meta.url));
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.found !== undefined) resolve(data.found);
      else if (data.none) reject(new Error("no solution"));
      else progress(data.share);
    };
    worker.onerror = () => reject(new Error("worker"));
    worker.postMessage({ challenge: puzzle.challenge, salt: puzzle.salt, max: puzzle.max });
  }).finally(() => worker.terminate());
}

// Gate opens a form's buttons while the form carries an answer that is fresh.
export class Gate {
  constructor(form, status) {
    this.form = form;
    this.status = status;
    this.buttons = form.querySelectorAll("button:disabled");
    this.generation = 0;
  }

  close(text) {
    this.generation++;
    clearTimeout(this.timer);
    this.form.elements.robot.value = "";
    for (const button of this.buttons) button.disabled = true;
    this.status.textContent = text;
  }

  // open fetches and solves; closing meanwhile makes its result void. It returns whether the gate is open.
  async open(progress, expired) {
    const mine = ++this.generation;
    let answer;
    try {
      answer = await solve(this.form.dataset.challenge, progress);
    } catch (failure) {
      if (mine === this.generation) throw failure;
    }
    if (mine !== this.generation) return false; // closed meanwhile, or opened anew
    this.form.elements.robot.value = answer;
    for (const button of this.buttons) button.disabled = false;
    this.status.textContent = this.status.dataset.done;
    this.timer = setTimeout(expired, BEFORE_EXPIRY);
    return true;
  }
}
