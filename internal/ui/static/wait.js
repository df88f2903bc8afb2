// The wait before a code may be sent once more, counted down. Without this script the page says how long it is, and a press
// that comes too early shows what is left.

const button = document.getElementById("again");
const said = document.getElementById("wait");

if (button && said && Number(said.dataset.seconds) > 0) {
  const end = Date.now() + Number(said.dataset.seconds) * 1000;
  const many = said.textContent;
  const show = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    button.disabled = left > 0;
    if (left > 0) {
      said.textContent = left === 1 ? said.dataset.one : many.replace(/\d+/, String(left));
      return;
    }
    said.textContent = "";
    clearInterval(ticking);
  };
  const ticking = setInterval(show, 500);
  show();
}
