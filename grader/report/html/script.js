"use strict";
// Comforts only: the page is complete without.
for (const box of document.querySelectorAll(".command")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(box.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {  // a page from a file may not write to the clipboard: mark the text, Ctrl-C does the rest
      getSelection().selectAllChildren(box.querySelector("code"));
      button.textContent = "Marked: press Ctrl-C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 3000);
  });
  box.append(" ", button);
}
// A link to a problem opens it.
const unfold = () => {
  const target = location.hash.startsWith("#problem-") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) { target.open = true; target.scrollIntoView(); }
};
addEventListener("hashchange", unfold);
unfold();
