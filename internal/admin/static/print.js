// The page of printed sheets: a button that prints, where scripts run. Without one the page says how a browser prints.

const button = document.getElementById("print");
button.hidden = false;
button.addEventListener("click", () => window.print());
