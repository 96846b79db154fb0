// Fetches the counts every few seconds. While nobody looks at the page it waits; a failure is said, and tried again.
"use strict";

const EVERY = 5000; // milliseconds

const live = document.getElementById("live");
const state = document.getElementById("live-state");
const usual = state.textContent;

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(live.dataset.from, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    live.innerHTML = await answer.text(); // our own template, escaped there
    localTimes(live);
    if (state.textContent !== usual) state.textContent = usual;
  } catch {
    state.textContent = "The server does not answer, or you are signed out: these numbers are old. Trying again.";
  }
}

setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
