// A page by keyboard alone.

/** No page has more stops. */
const MOST_STOPS = 400;

/** What has the focus, and whether that can be seen. */
const focus = (page) => page.evaluate(() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const { width, height, left, right } = one.getBoundingClientRect();
  const name = `${one.tagName.toLowerCase()} ${(one.labels?.[0] ?? one).textContent.trim().slice(0, 40) || one.id || one.name}`;
  const place = [...document.querySelectorAll("*")].indexOf(one);
  const shown = width > 0 && height > 0 && right > 0 && left < innerWidth;
  return { name, place, shown, ringed: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
});

/** Goes once round with the tab key and returns the faults: everything that can be used must be a
 * stop, and must be visible with its focus. */
export const stopsAmiss = async ({ page }) => {
  const wanted = await page.evaluate(() => {
    const part = document.querySelector("dialog[open]") ?? document;
    const can = [...part.querySelectorAll("a[href], button, input, select, textarea, summary")];
    const usable = can.filter((one) => !one.disabled && one.type !== "hidden" && one.tabIndex >= 0 && one.checkVisibility());
    // Radio buttons of one name are one stop: the one that is chosen, or the first.
    const stopOf = (name) => document.querySelector(`input[name="${name}"]:checked`) ?? document.querySelector(`input[name="${name}"]`);
    const isStop = (one) => one.type !== "radio" || one === stopOf(one.name);
    return usable.filter(isStop).length;
  });
  const amiss = [];
  const seen = new Set();
  for (let stops = 0; stops < MOST_STOPS; stops += 1) {
    await page.keyboard.press("Tab");
    const now = await focus(page);
    // After the last stop comes the browser's own frame, then the first.
    if (!now) continue;
    if (seen.has(now.place)) break;
    seen.add(now.place);
    if (!now.shown) amiss.push(`${now.name} is out of sight`);
    if (!now.ringed) amiss.push(`${now.name} does not show that it has the focus`);
  }
  if (seen.size < wanted) amiss.push(`only ${seen.size} of ${wanted} can be reached`);
  return amiss;
};
