// What makes the console's pages handier; each works without it.
"use strict";

// The head loads this at once, so that a page never flashes in the other theme.
const themes = ["auto", "light", "dark"];
const chosenTheme = () => {
  try { return themes.find((theme) => theme === localStorage.getItem("theme")) ?? "auto"; } catch { return "auto"; }
};
document.documentElement.dataset.theme = chosenTheme();

/** Shows a message for a while and announces it to screen readers. */
let silence;
const say = (text, milliseconds = SAID_FOR) => {
  const place = document.getElementById("said");
  if (!place) return;
  window.clearTimeout(silence);
  place.textContent = text;
  silence = window.setTimeout(() => { place.textContent = ""; }, milliseconds);
};

/** A message ends by itself after so many milliseconds. */
const SAID_FOR = 6_000;

/** A button that goes through the themes. */
const offerThemes = (button) => {
  const show = () => { button.textContent = `Theme: ${document.documentElement.dataset.theme}`; };
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* Then it lasts as long as the page. */ }
    show();
  });
  show();
};

/** A button that copies what `data-copy` names: the id of an element with the text. */
const offerCopying = (button) => {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      say("Copied");
    } catch {
      say("Your browser does not allow copying. Select the text instead.");
    }
  });
};

/** Times are in UTC; this shows them in the reader's time zone, with UTC as a tooltip. With
    `data-local=minute` only the time of day is shown. */
const localise = (time) => {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.valueOf())) return;
  time.title = time.textContent;
  const two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const minute = `${two(at.getHours())}:${two(at.getMinutes())}`;
  time.textContent = time.dataset.local === "minute" ? minute : `${day} ${minute}:${two(at.getSeconds())}`;
};

/** Reloads a part of the page every so many seconds, from `data-from` where a form led to the page. */
const keepLive = (part) => {
  const look = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(part.dataset.from ?? window.location.href, { headers: { accept: "text/html" } });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const now = answer.ok && page.getElementById(part.id);
        if (now && now.innerHTML !== part.dataset.seen) {
          part.dataset.seen = now.innerHTML;
          part.replaceChildren(...now.childNodes);
          part.querySelectorAll("time[data-local]").forEach(localise);
        }
      } catch { /* The next turn retries. */ }
    }
    window.setTimeout(look, part.dataset.live * 1000);
  };
  part.dataset.seen = part.innerHTML;
  window.setTimeout(look, part.dataset.live * 1000);
};

/** Warns before unsaved changes in a guarded form are lost. */
const guardChanges = (form) => {
  form.addEventListener("input", (event) => { if (event.target.name) form.dataset.changed = ""; });
  form.addEventListener("submit", () => { delete form.dataset.changed; });
  window.addEventListener("beforeunload", (event) => { if ("changed" in form.dataset) event.preventDefault(); });
};

/** A form of filters applies as one changes it; its button is only for pages without scripts. */
const applyAtOnce = (form) => {
  form.querySelectorAll("[data-apply]").forEach((button) => { button.hidden = true; });
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=checkbox], input[type=radio]")) form.requestSubmit();
  });
};

/** The visible search for leads: in the navigation, or in the menu of a narrow screen. */
const findLead = () => {
  const shown = [...document.querySelectorAll("input[data-find]")].find((field) => field.checkVisibility());
  if (shown) return shown;
  const menu = document.querySelector(".top details");
  if (menu) menu.open = true;
  return menu?.querySelector("input[data-find]");
};

/** `/` leads to the search for leads, unless one is typing. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = findLead();
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

/** A form, or a button of one, that asks for confirmation. */
const ask = (part) => {
  part.addEventListener(part.matches("form") ? "submit" : "click", (event) => { if (!window.confirm(part.dataset.ask)) event.preventDefault(); });
};

/** Closes a menu on Escape and when the focus leaves it. */
const closeInTime = (menu) => {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("focusout", (event) => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
};

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("button[data-themes]").forEach(offerThemes);
  document.querySelectorAll("button[data-copy]").forEach(offerCopying);
  document.querySelectorAll("[data-live]").forEach(keepLive);
  document.querySelectorAll("time[data-local]").forEach(localise);
  document.querySelectorAll("form[data-guard]").forEach(guardChanges);
  document.querySelectorAll("form[data-auto]").forEach(applyAtOnce);
  document.querySelectorAll(":is(form, button)[data-ask]").forEach(ask);
  document.querySelectorAll("details.menu").forEach(closeInTime);
});
