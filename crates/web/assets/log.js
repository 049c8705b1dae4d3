// What makes the log handier; each page works without it.
"use strict";

/** How often an open list or retry polls for news, in milliseconds. */
const WATCHING = 5_000;
/** How long it is shown that something ended, in milliseconds. */
const SAID = 10_000;
/** After this long without a touch, the page stops polling until it is touched again. */
const LEFT_ALONE = 15 * 60_000;

/** The page at this address, or part of one. */
const load = async (path, signal) => {
  const answer = await fetch(path, { credentials: "same-origin", signal });
  // A user who was signed out in the meantime is redirected.
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};

/** Repeats something while the page is visible, one run at a time. */
const repeat = (milliseconds, act) => {
  let touched = Date.now();
  let stopped = false;
  for (const kind of ["pointerdown", "keydown", "scroll", "visibilitychange"]) {
    document.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  }
  const turn = async () => {
    if (stopped) return;
    let wait = milliseconds;
    if (!document.hidden && Date.now() - touched < LEFT_ALONE) {
      try { if (await act() === false) return; } catch { wait = milliseconds * 6; }
    }
    window.setTimeout(turn, wait);
  };
  window.setTimeout(turn, milliseconds);
  return () => { stopped = true; };
};

/** Does what `console.js` does for a page for parts that were loaded later. */
const dress = (part) => {
  part.querySelectorAll("button[data-copy]").forEach(offerCopying);
  part.querySelectorAll("time[data-local]").forEach(localise);
};

/** Shows how many requests arrived since the list was loaded, and updates those in it. Nothing
 * moves until the reader asks for it. */
const watch = (bar) => {
  const [show, state, pause] = ["show", "state", "pause"].map((name) => bar.querySelector(`[data-${name}]`));
  const body = document.querySelector("table.log tbody");
  if (!body) return;
  const rows = (of) => [...of.querySelectorAll("tr[data-request]")];
  let paused = false;
  const tell = () => {
    state.textContent = paused ? "Paused" : "Live";
    state.title = paused ? "" : "Says when new requests arrive.";
    pause.textContent = paused ? "Resume" : "Pause";
  };
  const look = async () => {
    if (paused) return;
    // A fragment of a table is only read as one inside a table.
    const answer = await fetch(bar.dataset.watch, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
    const latest = new DOMParser().parseFromString(`<table>${await answer.text()}</table>`, "text/html");
    if (paused) return;
    const known = new Map(rows(body).map((row) => [row.dataset.request, row]));
    const newest = rows(body)[0]?.dataset.request ?? "";
    const fresh = rows(latest).filter((row) => row.dataset.request > newest);
    for (const row of rows(latest)) {
      const old = known.get(row.dataset.request);
      if (old) renew(old, row);
    }
    const count = fresh.length >= 50 ? "50 or more" : `${fresh.length}`;
    const text = fresh.length === 0 ? "" : `Show ${count} new`;
    if (show.textContent !== text) {
      show.textContent = text;
      show.hidden = fresh.length === 0;
      if (fresh.length > 0) say(`${count} new requests.`);
    }
  };
  // A row that is being used stays as it is.
  const renew = (old, row) => {
    if (old.dataset.text === undefined) old.dataset.text = plain(old);
    const text = plain(row);
    if (old.dataset.text === text || old.contains(document.activeElement) || old.querySelector("input:checked")) return;
    const cells = [...row.cells];
    old.replaceChildren(...cells);
    old.dataset.text = text;
    dress(old);
  };
  const plain = (row) => [...row.querySelectorAll("td:not([data-label=Received])")]
    .map((cell) => cell.textContent.trim()).join("\n");
  show.addEventListener("click", async () => {
    try {
      const page = await load(window.location.href);
      const [main, fresh] = [document.getElementById("main"), page.getElementById("main")];
      if (!fresh) return;
      main.replaceChildren(...fresh.childNodes);
      begin(main);
      dress(main);
      main.querySelector("table.log a")?.focus();
    } catch {
      window.location.reload();
    }
  });
  pause.addEventListener("click", () => { paused = !paused; tell(); });
  bar.hidden = false;
  tell();
  repeat(WATCHING, () => (bar.isConnected ? look() : false));
};

/** Ticks all boxes, and counts them. */
const offerSelecting = (place) => {
  const boxes = () => [...document.querySelectorAll("table.log input[type=checkbox]")];
  const button = place.querySelector("[data-select-all]");
  const retry = document.querySelector("[data-selected]");
  const settings = place.parentElement.querySelector("select");
  const tell = () => {
    const count = boxes().filter((box) => box.checked).length;
    retry.textContent = count === 0 ? "Retry selected" : `Retry ${count} selected`;
    retry.disabled = count === 0;
    // It matters only for what is selected.
    if (settings) settings.hidden = count === 0;
    button.textContent = boxes().every((box) => box.checked) ? "Select none" : "Select all on this page";
  };
  if (boxes().length === 0) return;
  place.hidden = false;
  button.addEventListener("click", () => {
    const all = boxes().every((box) => box.checked);
    for (const box of boxes()) box.checked = !all;
    tell();
  });
  place.closest("form").addEventListener("change", tell);
  tell();
};

/** Reloads the page of something unfinished until it is finished. What is open stays open. */
const refresh = (story) => {
  const told = story.querySelector("[data-refreshing]");
  if (told) told.hidden = false;
  repeat(1_000 * Number(story.dataset.refresh), async () => {
    if (!story.isConnected) return false;
    const page = await load(story.dataset.path ?? window.location.href);
    const fresh = page.getElementById("story");
    const busy = story.contains(document.activeElement) || window.getSelection()?.toString();
    if (!fresh || (busy && fresh.dataset.refresh)) return true;
    for (const open of story.querySelectorAll("details[open]")) {
      const same = open.id && fresh.querySelector(`#${CSS.escape(open.id)}`);
      if (same) same.open = true;
    }
    story.replaceChildren(...fresh.childNodes);
    dress(story);
    if (fresh.dataset.refresh) return true;
    story.removeAttribute("data-refresh");
    say(story.dataset.finished);
    return false;
  });
};

/** Follows the progress of something. */
const follow = (place) => {
  if (!place.querySelector("[data-at-work]")) return;
  const key = (one) => one.getAttribute("href") ?? `${one.name}=${one.value}`;
  repeat(WATCHING / 2, async () => {
    // Ticked boxes stay.
    if (place.querySelector("input:checked")) return true;
    const page = await load(place.dataset.progress);
    const focused = place.contains(document.activeElement) ? key(document.activeElement) : null;
    place.replaceChildren(...page.body.childNodes);
    dress(place);
    const same = [...place.querySelectorAll("a[href], button, input")].find((one) => key(one) === focused);
    same?.focus({ preventScroll: true });
    if (place.querySelector("[data-at-work]")) return true;
    // The message about the start is outdated.
    document.querySelectorAll("form[data-cancel], .told").forEach((part) => part.remove());
    say(place.querySelector("[data-told]")?.dataset.told ?? "The retry has finished.", SAID);
    return false;
  });
};

/** Compares a lead live without leaving the page. */
const offerLive = (link) => {
  link.addEventListener("click", async (event) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const section = document.getElementById("live");
    if (section.getAttribute("aria-busy")) return;
    section.setAttribute("aria-busy", "true");
    link.textContent = "Reading both accounts …";
    try {
      const fresh = (await load(link.href)).getElementById("live");
      section.replaceChildren(...fresh.childNodes);
      section.removeAttribute("aria-busy");
      section.querySelectorAll("[data-live-compare]").forEach(offerLive);
      section.focus();
    } catch {
      window.location.assign(link.href);
    }
  });
};

/** Names that browsers still give to zones whose cities were renamed. */
const RENAMED = { "Asia/Calcutta": "Asia/Kolkata", "Asia/Katmandu": "Asia/Kathmandu", "Asia/Rangoon": "Asia/Yangon", "Asia/Saigon": "Asia/Ho_Chi_Minh" };

/** Names the time zone in which times are shown. */
const nameZone = (place) => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) place.textContent = RENAMED[zone] ?? zone;
};

/** Shows the two dates only for a custom range. */
const offerDays = (form) => {
  const period = form.querySelector("#period");
  if (!period) return;
  const days = document.querySelectorAll(".days");
  const more = form.querySelector("details");
  const tell = (changed) => {
    const custom = period.value === "custom";
    for (const part of days) part.hidden = !custom;
    if (custom && changed) {
      if (more) more.open = true;
      form.querySelector("#from").focus();
    }
  };
  period.addEventListener("change", (event) => {
    // The days are still to be chosen.
    if (period.value === "custom") event.stopPropagation();
    tell(true);
  });
  tell(false);
};

const begin = (part) => {
  part.querySelectorAll("[data-watch]").forEach(watch);
  part.querySelectorAll("[data-selecting]").forEach(offerSelecting);
  part.querySelectorAll("[data-refresh]").forEach(refresh);
  part.querySelectorAll("[data-progress]").forEach(follow);
  part.querySelectorAll("form.filters").forEach(offerDays);
  part.querySelectorAll("[data-zone]").forEach(nameZone);
  part.querySelectorAll("[data-live-compare]").forEach(offerLive);
};

document.addEventListener("DOMContentLoaded", () => {
  begin(document);
  if (document.querySelector("[data-drawers]")) offerDrawer({ base: "/requests/", dress: (part) => { dress(part); begin(part); } });
});
