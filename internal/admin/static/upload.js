// A file that is too large is not sent for minutes to be refused: the page says so at once.
for (const form of document.querySelectorAll("form[data-upload]")) {
  const problem = form.querySelector(".problem");
  form.addEventListener("submit", event => {
    const file = form.querySelector("input[type=file]").files[0];
    const large = file && file.size > Number(form.dataset.upload);
    if (large) {
      event.preventDefault();
      event.stopImmediatePropagation();
      problem.hidden = false;
    }
  }, true);
}
