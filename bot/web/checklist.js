// The button that prints the page; it shows only where it works.
const print = document.getElementById("print");
print.hidden = false;
print.addEventListener("click", () => window.print());
