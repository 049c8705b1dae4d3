// A row of a list opens beside the list, on wide screens. It is not modal: the list can still be used.
// Which row is open is in the page's address.
"use strict";

/** From this width on there is room beside the list. */
const ROOM = "(min-width: 64rem)";
/** Where keys are for typing, or for what has the focus. */
const TYPED = "input, select, textarea, pre, [contenteditable], details.menu[open]";

/**
 * Keeps the name of what is open in the address, as this parameter of the page at `base`: going back closes it, and
 * going forward opens it again. Up and down `move` by one row, and Escape closes.
 * `shown()` is the name of what is open, if anything is; `show(name)` opens it, and `hide()` closes.
 */
const keepInAddress = ({ parameter, base, shown, show, hide, move, close }) => {
  const named = () => new URL(window.location.href).searchParams.get(parameter);
  const address = (name) => {
    const url = base();
    if (name) url.searchParams.set(parameter, name);
    else url.searchParams.delete(parameter);
    return url;
  };
  document.addEventListener("keydown", (event) => {
    if (!document.querySelector("aside.drawer:not(.still)")) return;
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
    const types = event.target.closest?.(TYPED);
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape" && (!types || types.closest(".drawer"))) close();
    else if (by && !types) move(by);
    else return;
    event.preventDefault();
  });
  window.addEventListener("popstate", () => {
    const name = named();
    if (name === shown()) return;
    if (name) show(name);
    else hide();
  });
  return {
    named,
    /** Notes what is open now, or `null`. */
    note: (name) => {
      const { state } = window.history;
      if (name === named()) return;
      if (name && named()) window.history.replaceState({ ...state }, "", address(name));
      else if (name) {
        // A message about what was done before is not shown again by going back.
        window.history.replaceState(state, "", address(null));
        window.history.pushState({ ...state, drawer: true }, "", address(name));
      }
      // Where it was opened by a click, going back is the same; an address that was passed on has nothing before it.
      else if (state?.drawer) window.history.back();
      else window.history.replaceState(null, "", address(null));
    },
  };
};

/**
 * Links of a list (`a[data-drawer=NAME]`) open the part `#story` of their page in a drawer.
 * `dress(part)` prepares what was loaded; `base` is the address of what the list does not show.
 */
const offerDrawer = ({ base, dress }) => {
  let drawer = null;
  let loading = null;
  const links = () => [...document.querySelectorAll("a[data-drawer]")];
  const linkOf = (name) => links().find((link) => link.dataset.drawer === name);
  const hasRoom = () => window.matchMedia(ROOM).matches;

  const element = (tag, className, text) => {
    const one = document.createElement(tag);
    if (className) one.className = className;
    if (text) one.textContent = text;
    return one;
  };
  const button = (text, label, act) => {
    const one = element("button", "quiet", text);
    one.type = "button";
    if (label) one.setAttribute("aria-label", label);
    one.addEventListener("click", act);
    return one;
  };

  const make = () => {
    const aside = element("aside", "drawer");
    aside.tabIndex = -1;
    const bar = element("div", "row title");
    const whole = element("a", "", "Open full page");
    const status = element("p", "said-only");
    status.setAttribute("role", "status");
    const [before, after] = [button("↑", "Previous row", () => move(-1)), button("↓", "Next row", () => move(1))];
    const moves = element("div", "row");
    moves.append(before, after, button("Close", "", close));
    bar.append(whole, moves);
    const content = element("div", "content");
    aside.append(bar, status, content);
    aside.addEventListener("click", follow);
    document.body.append(aside);
    return { aside, whole, status, before, after, content, name: null };
  };

  /** Shows the outline of what is being loaded. */
  const skeleton = (content) => {
    const lines = ["title", "", "", "block", "", "block"].map((kind) => element("div", `skeleton ${kind}`));
    content.setAttribute("aria-busy", "true");
    content.replaceChildren(...lines);
    content.scrollTop = 0;
  };

  const fill = async (path) => {
    loading?.abort();
    const own = new AbortController();
    loading = own;
    const { content } = drawer;
    try {
      const answer = await fetch(path, { credentials: "same-origin", signal: own.signal });
      // A user who was signed out in the meantime is redirected.
      if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const story = page.getElementById("story");
      if (!story) throw new Error("no story");
      if (loading !== own) return;
      content.replaceChildren(story);
      dress(content);
    } catch (error) {
      if (loading !== own || error.name === "AbortError") return;
      const failed = element("p", "", "This could not be loaded. ");
      const link = element("a", "", "Open the full page");
      link.href = path;
      failed.append(link);
      content.replaceChildren(failed);
    }
    content.removeAttribute("aria-busy");
  };

  const mark = () => {
    for (const link of links()) {
      const row = link.closest("tr");
      if (drawer && link.dataset.drawer === drawer.name) row?.setAttribute("aria-current", "true");
      else row?.removeAttribute("aria-current");
    }
  };

  const show = (name, focuses) => {
    drawer ??= make();
    drawer.name = name;
    const all = links();
    const link = linkOf(name);
    const place = all.indexOf(link);
    const label = link?.textContent ?? name;
    drawer.whole.href = link?.href ?? `${base}${encodeURIComponent(name)}`;
    drawer.aside.setAttribute("aria-label", label);
    drawer.status.textContent = place < 0 ? label : `${label}, row ${place + 1} of ${all.length}`;
    [drawer.before.disabled, drawer.after.disabled] = [place <= 0, place < 0 || place === all.length - 1];
    mark();
    skeleton(drawer.content);
    if (focuses) drawer.aside.focus({ preventScroll: true });
    link?.closest("tr")?.scrollIntoView({ block: "nearest" });
    fill(drawer.whole.href);
  };

  const hide = () => {
    if (!drawer) return;
    loading?.abort();
    loading = null;
    const had = drawer.aside.contains(document.activeElement);
    const link = linkOf(drawer.name);
    drawer.aside.remove();
    drawer = null;
    mark();
    if (had) link?.focus();
  };

  const open = (name, focuses) => {
    address.note(name);
    show(name, focuses);
  };

  const close = () => {
    address.note(null);
    hide();
  };

  const move = (by) => {
    const all = links();
    const next = all[all.indexOf(linkOf(drawer.name)) + by];
    if (next && next !== linkOf(drawer.name)) open(next.dataset.drawer, true);
  };

  /** Tabs of what is open stay in the drawer. */
  const follow = (event) => {
    const link = event.target.closest?.("#story nav.tabs a");
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    const focused = link.getAttribute("href");
    fill(link.href).then(() => {
      const same = [...(drawer?.content.querySelectorAll("nav.tabs a") ?? [])];
      same.find((one) => one.getAttribute("href") === focused)?.focus();
    });
  };

  const isPlain = (event) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-drawer]");
    if (!link || !isPlain(event) || !hasRoom()) return;
    event.preventDefault();
    open(link.dataset.drawer, true);
  });
  const arrive = (name) => {
    if (hasRoom()) show(name, false);
    else hide();
  };
  const address = keepInAddress({
    parameter: "open",
    base: () => new URL(window.location.href),
    shown: () => drawer?.name ?? null,
    show: arrive,
    hide,
    move,
    close,
  });
  if (address.named()) arrive(address.named());
};
