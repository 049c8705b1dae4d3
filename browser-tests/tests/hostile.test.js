// Leads whose every field is an attack, on every page that may show them.
import assert from "node:assert/strict";
import { PAGES } from "../pages.js";
import { DESKTOP, PHONE } from "../stage/browser.js";
import { scene, shared } from "../stage/scene.js";
import { ATTACKING_AGENT, ATTACKS, hostile, signedIn } from "../stage/world.js";

const world = shared(hostile);

/** What an attack would have made of the page. */
const harmed = (visitor) => visitor.page.evaluate(() => {
  const odd = [
    "script:not([src])", "script[src]:not([src^='/'])", "img", "iframe", "svg:not([role=img], .spark)", "object", "embed", "style", "base", "[style]",
    "link:not([href^='/'])", "form:not([action^='/'])",
  ];
  const found = odd.flatMap((selector) => [...document.querySelectorAll(selector)].map((one) => one.outerHTML.slice(0, 200)));
  found.push(...[...document.links].filter((link) => link.origin !== location.origin).map((link) => link.outerHTML.slice(0, 200)));
  for (const one of document.querySelectorAll("*")) {
    if ([...one.attributes].some(({ name }) => name.startsWith("on"))) found.push(one.outerHTML.slice(0, 200));
  }
  if ("attacked" in window) found.push("a script of the attacker ran");
  return found;
});

const assertUnharmed = async (visitor) => {
  assert.deepEqual(await harmed(visitor), []);
  assert.doesNotMatch(await visitor.text(), /62710561/, "no template was worked out");
  for (const screen of [PHONE, DESKTOP]) {
    await visitor.page.setViewportSize(screen);
    assert.deepEqual(await visitor.tooWide(), []);
  }
};

for (const { name, path, route, world: kind, as, status = 200, before = () => {} } of PAGES) {
  if (kind !== "busy" || as) continue;
  scene(`${name}: attacks are shown, and do nothing`, async (stage) => {
    const service = await world();
    const visitor = await signedIn(stage, service, { agent: ATTACKING_AGENT });
    await visitor.open(path ? path(service) : route, status);
    await before(visitor.page);
    await assertUnharmed(visitor);
  });
}

scene("a request shows what was attempted as it came", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service, { agent: ATTACKING_AGENT });
  let text = "";
  for (const tab of ["changes", "attempts", "payload"]) {
    await visitor.open(`/requests/${service.known.created.id}?tab=${tab}`);
    for (const summary of await visitor.page.locator("main details > summary").all()) await summary.click();
    text += await visitor.page.locator("main").evaluate((main) => main.textContent);
    await assertUnharmed(visitor);
  }
  for (const attack of ["<script>window.attacked = 1; alert('attacked')</script>", "{{ 7919 * 7919 }}", "&lt;script&gt;attacked", "W".repeat(180)]) {
    assert.ok(text.includes(attack), `the page shows ${attack}`);
  }
  await assertUnharmed(visitor);
});

scene("a search for an attack finds it", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service, { agent: ATTACKING_AGENT });
  await visitor.open("/requests");
  const search = visitor.page.locator("#q");
  await search.fill(service.attacked.EmailAddress);
  await search.press("Enter");
  await visitor.page.waitForURL(/[?&]q=./);
  assert.equal(await search.inputValue(), service.attacked.EmailAddress);
  await visitor.request(service.known.created).waitFor();
  await assertUnharmed(visitor);
  for (const attack of ATTACKS) {
    // No text with NUL is stored, so none can be found.
    const status = attack.includes("\0") ? 400 : 200;
    await visitor.open(`/requests?${new URLSearchParams({ q: attack })}`, status);
    await assertUnharmed(visitor);
  }
});

scene("a preview of an attack shows it, and what was typed stays", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service, { agent: ATTACKING_AGENT });
  await visitor.open("/connectors/sales-to-patients/preview");
  const payload = JSON.stringify({ After: service.attacked, Current: service.attacked });
  await visitor.field("Webhook payload (JSON)").fill(payload);
  await visitor.button("Preview").click();
  await visitor.page.locator("section[aria-label='Record 1']").waitFor();
  assert.equal(await visitor.field("Webhook payload (JSON)").inputValue(), payload);
  await assertUnharmed(visitor);
});

scene("a browser that calls itself an attack is one of the sessions", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service, { agent: ATTACKING_AGENT });
  await visitor.open("/account");
  await visitor.sees("(attacked)");
  await assertUnharmed(visitor);
});
