// Adds the local time to every <time>, and to the fields that hold UTC. Without it the UTC time stands alone.
"use strict";

const localFormat = new Intl.DateTimeFormat(undefined, {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

function localTime(moment) {
  const same = moment.getTimezoneOffset() === 0; // the local time is UTC: nothing to add
  return same || isNaN(moment) ? "" : localFormat.format(moment);
}

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const text = localTime(new Date(time.dateTime));
    if (!text || time.querySelector(".local")) continue;
    const local = document.createElement("span");
    local.className = "local";
    local.textContent = text;
    time.append(" ", local);
  }
}

function localFields(root) {
  for (const field of root.querySelectorAll("input[type=datetime-local]")) {
    const local = document.createElement("output");
    local.className = "local";
    local.htmlFor = field.id;
    field.after(local);
    const show = () => { local.textContent = field.value ? localTime(new Date(field.value + "Z")) : ""; };
    field.addEventListener("input", show);
    show();
  }
}

localTimes(document);
localFields(document);
