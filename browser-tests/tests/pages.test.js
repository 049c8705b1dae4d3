// What must hold for every page. With LEADSYNC_SCREENSHOTS=yes it takes their pictures too.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { NO_PAGES, PAGES } from "../pages.js";
import { DESKTOP, PHONE } from "../stage/browser.js";
import { stopsAmiss } from "../stage/keyboard.js";
import { book } from "../stage/book.js";
import { small } from "../stage/picture.js";
import { scene, shared } from "../stage/scene.js";
import { OPERATOR, bare, busy, fresh, guarded, refused, signedIn, undecided } from "../stage/world.js";

const WORLDS = { fresh: shared(fresh), bare: shared(bare), guarded: shared(guarded), busy: shared(busy), refused: shared(refused), undecided: shared(undecided) };
/** Whether pictures are taken, into `docs`. */
const TAKES = process.env.LEADSYNC_SCREENSHOTS === "yes";
const DOCS = fileURLToPath(new URL("../../docs/", import.meta.url));
const PICTURES = join(DOCS, "screenshots");
/** Of a longer page the picture shows the beginning. */
const TALLEST = 900;

const take = async ({ page }, name, suffix, isWhole = true) => {
  if (!TAKES) return;
  await page.evaluate(() => document.activeElement.blur());
  const { width } = page.viewportSize();
  const tall = isWhole ? await page.evaluate(() => document.documentElement.scrollHeight) : page.viewportSize().height;
  const clip = { x: 0, y: 0, width, height: Math.min(tall, TALLEST) };
  const picture = await page.screenshot({ fullPage: isWhole, clip });
  writeFileSync(join(PICTURES, `${name}-${suffix}.png`), small(picture));
};

const come = (stage, world, as) => {
  if (as === "nobody") return stage.visitor(world);
  return signedIn(stage, world, as === "operator" ? { as: OPERATOR } : {});
};

if (TAKES) {
  rmSync(PICTURES, { recursive: true, force: true });
  mkdirSync(PICTURES, { recursive: true });
  writeFileSync(join(DOCS, "console.md"), book(PAGES));
}

for (const { name, route, world: kind, as, path = () => route, status = 200, sees, dark, wide, before = () => {} } of PAGES) {
  scene(`${name}: in light and dark, on a phone, and by keyboard`, async (stage) => {
    const world = await WORLDS[kind]();
    const visitor = await come(stage, world, as);
    const { page } = visitor;
    const found = [];
    const look = async (how) => found.push(...(await visitor.faults()).map((fault) => `${how}: ${fault}`));

    await visitor.open(path(world), status);
    await before(page);
    await visitor.sees(sees);
    assert.equal(await page.locator("main h1").count(), 1, "a page has one heading of its own");
    await look("light");
    await take(visitor, name, "1280", !wide);
    await page.emulateMedia({ colorScheme: "dark" });
    await look("dark");
    if (dark) await take(visitor, name, "1280-dark");
    await page.emulateMedia({ colorScheme: "light" });
    if (!wide) {
      await page.setViewportSize(PHONE);
      await look("on a phone");
      await take(visitor, name, "375");
      found.push(...await visitor.tooWide());
    }
    await page.setViewportSize(DESKTOP);
    found.push(...await visitor.tooWide(), ...await stopsAmiss(visitor));
    assert.deepEqual(found, []);
  });
}

test("every page of the console is in the list", () => {
  const table = readFileSync(new URL("../../crates/web/src/console/mod.rs", import.meta.url), "utf8");
  const routes = [...table.matchAll(/route\(\s*GET,\s*(?:DESIGN|"([^"]+)")/g)].map(([, route]) => route ?? "/design");
  assert.ok(routes.length > 5, "the table of routes is found");
  const listed = new Set([...PAGES.flatMap(({ route = [] }) => route), ...NO_PAGES]);
  assert.deepEqual(routes.filter((route) => !listed.has(route)), []);
  assert.deepEqual([...listed].filter((route) => !routes.includes(route)), []);
});

test("docs/console.md shows every page; scripts/browser-test --screenshots writes it", () => {
  const shown = readFileSync(join(DOCS, "console.md"), "utf8");
  assert.equal(shown, book(PAGES), "it is as the list is");
  const named = [...shown.matchAll(/\((screenshots\/[^)]+)\)/g)].map(([, file]) => file);
  assert.deepEqual(named.filter((file) => !existsSync(join(DOCS, file))), [], "each picture is there");
  assert.deepEqual(readdirSync(PICTURES).filter((file) => !named.includes(`screenshots/${file}`)), [], "and none is left over");
});
