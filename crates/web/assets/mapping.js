// The mapping editor: search and filters, the details of a row beside the list, a check while typing, and no unsaved
// change lost. The server makes every part of the page from the form, as it does without this script.
"use strict";

/** How long after the last key the draft is checked, in milliseconds. */
const PAUSE = 400;

/** Sends the form as this button would; returns the page, or nothing if that failed. */
const send = async (form, name, value) => {
  const fields = new URLSearchParams(new FormData(form));
  fields.set(name, value);
  const answer = await fetch(form.action, { method: "POST", body: fields });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
    say("You are signed out. Sign in in another tab; your changes here are kept.");
    return null;
  }
  if (answer.status === 403) {
    // The user signed in again in another tab: the form continues with the new session.
    const page = await (await fetch(form.action)).text();
    const token = new DOMParser().parseFromString(page, "text/html").querySelector("input[name=csrf]");
    if (!token || token.value === form.elements.csrf.value) return null;
    form.elements.csrf.value = token.value;
    return send(form, name, value);
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("form[data-editor]");
};

const rowsOf = (form) => [...form.querySelectorAll("tr[data-row]")];

/** Whether the form has unsaved changes, for the warning on leaving. */
const mark = (form, fresh) => {
  if ("changed" in fresh.dataset) form.dataset.changed = "";
  else delete form.dataset.changed;
};

/** Shows what a check found, without touching the inputs. */
const refresh = (form, fresh) => {
  mark(form, fresh);
  const replace = (old, now) => {
    if (old && old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
  };
  fresh.querySelectorAll("[data-fresh][id]").forEach((now) => replace(form.querySelector(`#${now.id}`), now));
  // The row may be called otherwise now, because its field was typed.
  const [drawer, fresher] = [form.querySelector("#drawer"), fresh.querySelector("#drawer")];
  if (drawer && fresher) drawer.dataset.row = fresher.dataset.row;
  const rows = new Map(rowsOf(form).map((row) => [row.dataset.row, row]));
  rowsOf(fresh).forEach((now) => {
    const old = rows.get(now.dataset.row);
    if (!old) return;
    now.querySelectorAll("[data-fresh]").forEach((part) => replace(old.querySelector(`[data-fresh=${part.dataset.fresh}]`), part));
    ["kind", "problem", "unsaved"].forEach((name) => {
      if (name in now.dataset) old.dataset[name] = now.dataset[name];
      else delete old.dataset[name];
    });
  });
  const options = fresh.querySelectorAll("[data-only] option");
  form.querySelectorAll("[data-only] option").forEach((option, index) => {
    if (options[index]) option.textContent = options[index].textContent;
  });
};

/** What one looks for in the list, which stays when the list is made again. */
const wanted = { text: "", only: "all" };
const tests = {
  all: () => true,
  mapped: (row) => row.dataset.kind !== "unmapped",
  unmapped: (row) => row.dataset.kind === "unmapped",
  problem: (row) => "problem" in row.dataset,
  changed: (row) => row.dataset.kind === "changed",
};

const sift = (form) => {
  const [find, only, shown] = ["[data-filter]", "[data-only]", "[data-shown]"].map((name) => form.querySelector(name));
  form.querySelectorAll("[data-scripted]").forEach((part) => { part.hidden = false; });
  if (find.value !== wanted.text) find.value = wanted.text;
  only.value = wanted.only;
  const text = wanted.text.trim().toLowerCase();
  const rows = rowsOf(form);
  rows.forEach((row) => { row.hidden = !(tests[wanted.only](row) && row.textContent.toLowerCase().includes(text)); });
  const count = rows.filter((row) => !row.hidden).length;
  shown.textContent = count === rows.length ? "" : `${count} of ${rows.length} rows`;
};

/** The field for a pasted payload is there if one is pasted. */
const showPasted = (form) => {
  form.querySelector("[data-pasted]").hidden = form.elements.payload.value !== "pasted";
};

/** Adds an empty pair once the last one is filled in. */
const growPairs = (list) => {
  const pairs = list.querySelectorAll(".pair");
  const last = pairs[pairs.length - 1];
  if (![...last.querySelectorAll("input, select")].some((input) => input.value)) return;
  const next = last.cloneNode(true);
  next.querySelectorAll("input, select").forEach((input) => { input.value = ""; });
  last.after(next);
};

/** The row whose details are shown, unless it is new: then it has no name yet. */
const openRow = (form) => {
  const key = form.querySelector("#drawer")?.dataset.row ?? null;
  return key?.startsWith("#") ? null : key;
};

/** Shows the page that the server made, in place of this one. */
const show = (form, fresh) => {
  mark(form, fresh);
  const drawer = form.querySelector("#drawer");
  const [before, top] = [drawer?.dataset.row, drawer?.scrollTop];
  form.replaceChildren(...fresh.childNodes);
  form.querySelectorAll("time[data-local]").forEach(localise);
  form.querySelector("[data-check]")?.remove();
  showPasted(form);
  sift(form);
  const after = form.querySelector("#drawer");
  if (after && after.dataset.row === before) after.scrollTop = top;
  const news = form.querySelector("#review, #trial") ?? after?.querySelector("#target, [data-first]");
  if (news) news.focus();
  else if (before) rowsOf(form).find((row) => row.dataset.row === before)?.querySelector(".cover").focus();
};

/** Until the details of a row are there, its place is held. */
const hold = (form, row) => {
  const drawer = form.querySelector("#drawer");
  if (drawer) {
    drawer.setAttribute("aria-busy", "true");
    return;
  }
  const place = document.createElement("aside");
  place.className = "drawer";
  place.setAttribute("aria-label", "Row");
  place.setAttribute("aria-busy", "true");
  const title = document.createElement("h2");
  title.textContent = rowsOf(form).find((one) => one.dataset.row === row)?.querySelector(".cover").textContent ?? "";
  place.append(title, ...Array.from({ length: 6 }, () => Object.assign(document.createElement("span"), { className: "skeleton" })));
  form.append(place);
};

const edit = (form) => {
  let [timer, latest] = [0, 0];
  let address = null;
  const renew = (old, fresh) => {
    show(old, fresh);
    address.note(openRow(form));
  };
  /** Sends the form, and shows the answer unless a later one was sent. */
  const ask = async (name, value, then) => {
    latest += 1;
    const mine = latest;
    window.clearTimeout(timer);
    try {
      const fresh = await send(form, name, value);
      if (fresh && mine === latest) then(form, fresh);
      return fresh;
    } catch {
      say("leadsync can't be reached right now. Your changes are kept.");
      return null;
    } finally {
      form.querySelectorAll(":scope > aside[aria-busy]").forEach((place) => place.remove());
      form.querySelector("#drawer")?.removeAttribute("aria-busy");
    }
  };
  form.addEventListener("input", (event) => {
    const { target } = event;
    if (target.matches("[data-filter]")) {
      wanted.text = target.value;
      sift(form);
      return;
    }
    if (target.matches("[data-only]")) {
      wanted.only = target.value;
      sift(form);
      return;
    }
    if (target.name === "payload") showPasted(form);
    const pairs = target.closest("[data-pairs]");
    if (pairs) growPairs(pairs);
    window.clearTimeout(timer);
    timer = window.setTimeout(() => ask("do", "check", refresh).then(() => sift(form)), PAUSE);
  });
  // A save is submitted as any form, once the server is known to respond; everything else is shown in place.
  let isSure = false;
  form.addEventListener("submit", async (event) => {
    if (isSure) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter;
    const [name, value] = button ? [button.name, button.value] : ["do", "check"];
    if (name === "do" && value === "save") {
      if (!(await ask("do", "review", refresh))) return;
      isSure = true;
      form.requestSubmit(button);
      return;
    }
    if (name === "open") hold(form, value);
    await ask(name, value, renew);
  }, { capture: true });
  address = keepInAddress({
    parameter: "row",
    base: () => new URL(form.action),
    shown: () => openRow(form),
    show: (name) => {
      hold(form, name);
      ask("open", name, renew);
    },
    hide: () => ask("do", "close", renew),
    move: (by) => {
      const shown = rowsOf(form).filter((row) => !row.hidden);
      const here = shown.findIndex((row) => row.dataset.row === form.querySelector("#drawer")?.dataset.row);
      shown[here + by]?.querySelector("button.cover")?.click();
    },
    close: () => form.querySelector("#drawer [data-close]")?.click(),
  });
  form.querySelector("[data-check]")?.remove();
  form.querySelectorAll(".filters input").forEach((input) => input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); }));
  showPasted(form);
  sift(form);
};

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("form[data-editor]").forEach((form) => {
    if (form.querySelector("fieldset:not(:disabled)")) edit(form);
    else sift(form);
  });
  document.querySelector("#review, #trial")?.focus();
});
