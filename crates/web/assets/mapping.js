// The mapping editor: search and filters, a check while typing, and no unsaved change lost.
"use strict";

/** How long after the last key the draft is checked, in milliseconds. */
const PAUSE = 400;

/** Sends the form with this action; returns the page, or nothing if that failed. */
const send = async (form, wish) => {
  const fields = new URLSearchParams(new FormData(form));
  fields.set("do", wish);
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
    return send(form, wish);
  }
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};

/** Shows what a check found, without touching the inputs. */
const refresh = (form, page) => {
  page.querySelectorAll("[data-fresh]").forEach((fresh) => {
    const old = document.getElementById(fresh.id);
    if (old && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
  });
  page.querySelectorAll("tr[data-row]").forEach((fresh) => {
    const old = document.getElementById(fresh.id);
    if (!old) return;
    ["state", "problem", "custom", "changed"].forEach((name) => {
      if (name in fresh.dataset) old.dataset[name] = fresh.dataset[name];
      else delete old.dataset[name];
    });
  });
  const options = page.querySelectorAll("[data-only] option");
  form.querySelectorAll("[data-only] option").forEach((option, index) => {
    if (options[index]) option.textContent = options[index].textContent;
  });
};

const filters = (form) => {
  const [find, only, shown] = ["[data-find]", "[data-only]", "[data-shown]"].map((name) => form.querySelector(name));
  const rows = () => [...form.querySelectorAll("tr[data-row]")];
  const tests = {
    all: () => true,
    mapped: (row) => row.dataset.state !== "unmapped",
    unmapped: (row) => row.dataset.state === "unmapped",
    problem: (row) => row.dataset.problem !== "",
    custom: (row) => "custom" in row.dataset,
    changed: (row) => "changed" in row.dataset,
  };
  const apply = () => {
    const wanted = find.value.trim().toLowerCase();
    let count = 0;
    rows().forEach((row) => {
      const values = [...row.querySelectorAll("input:not([type=hidden])")].map((input) => input.value);
      // Without the hints beside the settings, which are the same in each row.
      const shownText = [...row.querySelectorAll("td:not(:last-child), summary")].map((part) => part.textContent);
      const text = [...shownText, ...values].join(" ").toLowerCase();
      row.hidden = !(tests[only.value](row) && text.includes(wanted));
      if (!row.hidden) count += 1;
    });
    shown.textContent = count === rows().length ? "" : `${count} of ${rows().length} rows`;
  };
  form.querySelector("[data-filters]").hidden = false;
  find.addEventListener("input", apply);
  only.addEventListener("change", apply);
  find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  return apply;
};

/** Adds an empty pair once the last one is filled in. */
const growPairs = (list) => {
  list.addEventListener("input", () => {
    const pairs = list.querySelectorAll(".pair");
    const last = pairs[pairs.length - 1];
    if (![...last.querySelectorAll("input")].some((input) => input.value)) return;
    const next = last.cloneNode(true);
    next.querySelectorAll("input").forEach((input) => { input.value = ""; });
    last.after(next);
  });
};

const edit = (form) => {
  const apply = filters(form);
  let [timer, latest] = [0, 0];
  const check = async () => {
    latest += 1;
    const mine = latest;
    try {
      const page = await send(form, "check");
      if (page && mine === latest) {
        refresh(form, page);
        apply();
      }
      return page;
    } catch {
      say("leadsync can't be reached right now. Your changes are kept.");
      return null;
    }
  };
  form.querySelector("[data-check]")?.remove();
  form.addEventListener("input", (event) => {
    if (event.target.matches("[data-find], [data-only]")) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(check, PAUSE);
  });
  // Only one field can be a search key.
  form.addEventListener("change", (event) => {
    if (!event.target.matches("[data-key]") || !event.target.value) return;
    form.querySelectorAll("[data-key]").forEach((other) => {
      if (other !== event.target && other.value === event.target.value) other.value = "";
    });
  });
  const [payload, pasted] = [form.elements.payload, form.querySelector("[data-pasted]")];
  const showPasted = () => { pasted.hidden = payload.value !== "pasted"; };
  payload.addEventListener("change", showPasted);
  showPasted();
  form.querySelectorAll("[data-pairs]").forEach(growPairs);
  // The form is only submitted once the server is known to respond.
  let isSure = false;
  form.addEventListener("submit", async (event) => {
    if (isSure) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter;
    window.clearTimeout(timer);
    if (!(await check())) return;
    isSure = true;
    form.requestSubmit(button);
  }, { capture: true });
};

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("form[data-editor]").forEach((form) => { if (form.querySelector("fieldset:not(:disabled)")) edit(form); });
  const news = document.querySelector("#review, #trial");
  if (news) news.focus();
});
