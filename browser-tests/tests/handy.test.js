// What scripts make handier: the theme, the reader's own time, copying, looking again, and not losing what one typed.
import assert from "node:assert/strict";
import { PHONE } from "../stage/browser.js";
import { scene, shared } from "../stage/scene.js";
import { busy, signedIn } from "../stage/world.js";

const world = shared(busy);

const ground = (visitor) => visitor.page.evaluate(() => getComputedStyle(document.body).backgroundColor);

scene("the theme is the system's, until one chooses; the choice stays", async (stage) => {
  const visitor = await signedIn(stage, await world());
  await visitor.open("/connectors");
  const light = await ground(visitor);
  await visitor.page.emulateMedia({ colorScheme: "dark" });
  const dark = await ground(visitor);
  assert.notEqual(dark, light);
  await visitor.openUserMenu();
  await visitor.button("Theme: auto").click();
  await visitor.button("Theme: light").waitFor();
  assert.equal(await ground(visitor), light);
  await visitor.open("/requests");
  assert.equal(await ground(visitor), light);
  await visitor.openUserMenu();
  await visitor.button("Theme: light").click();
  await visitor.page.emulateMedia({ colorScheme: "light" });
  assert.equal(await ground(visitor), dark);
  await visitor.open("/connectors");
  assert.equal(await ground(visitor), dark);
  await visitor.openUserMenu();
  await visitor.button("Theme: dark").click();
  assert.equal(await ground(visitor), light);
});

scene("a slash leads to the search for leads, on every page, unless one is typing", async (stage) => {
  const visitor = await signedIn(stage, await world());
  const { page } = visitor;
  const focused = () => page.evaluate(() => document.activeElement.id);
  for (const path of ["/", "/requests", "/connectors/sales-to-patients/basic"]) {
    await visitor.open(path);
    await page.keyboard.press("/");
    assert.equal(await focused(), "find-lead", path);
  }
  await visitor.open("/requests");
  await page.locator("#q").focus();
  await page.keyboard.press("/");
  assert.notEqual(await focused(), "find-lead");
  await page.setViewportSize(PHONE);
  await visitor.open("/connectors");
  await page.keyboard.press("/");
  assert.equal(await focused(), "find-lead-top", "on a phone it opens the menu");
});

scene("times are the reader's own, with UTC on pointing", async (stage) => {
  const service = await world();
  const told = [];
  for (const zone of ["Asia/Kolkata", "America/New_York"]) {
    const visitor = await signedIn(stage, service, { zone });
    await visitor.open(`/requests/${service.known.created.id}`);
    const time = visitor.page.locator("time[data-local]").first();
    const at = new Date(await time.getAttribute("datetime"));
    const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
    assert.equal(await time.innerText(), parts.format(at));
    assert.match(await time.getAttribute("title"), /UTC$/);
    told.push(await time.innerText());
  }
  assert.notEqual(told[0], told[1]);
});

scene("without scripts every page is there, in UTC and without their buttons", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service, { javaScript: false });
  await visitor.open(`/requests/${service.known.created.id}`);
  assert.match(await visitor.page.locator("time").first().innerText(), /UTC$/);
  await visitor.open("/connectors/sales-to-patients/webhook");
  assert.equal(await visitor.page.locator("button:visible", { hasText: /Copy|Theme/ }).count(), 0);
  await visitor.page.locator("summary", { hasText: "More actions" }).click();
  await visitor.link("Preview a payload").click();
  await visitor.field("Webhook payload (JSON)").fill('{"After": {"ProspectID": "1", "EmailAddress": "new@example.com"}}');
  await visitor.button("Preview").click();
  await visitor.page.locator("section[aria-label='Record 1']").waitFor();
  await visitor.signOut();
  service.sessions.clear();
});

scene("changes in a form are not left behind without a word", async (stage) => {
  const visitor = await signedIn(stage, await world());
  const { page } = visitor;
  await visitor.open("/connectors/sales-to-archive/basic");
  // Untouched, it lets one go.
  await visitor.link("Requests").click();
  await page.waitForURL("**/requests");
  await visitor.open("/connectors/sales-to-archive/basic");
  await visitor.field("Lead Source").fill("Social Media");
  visitor.willAnswer(false);
  await visitor.link("Requests").click({ noWaitAfter: true });
  await page.waitForFunction(() => true);
  assert.deepEqual(visitor.dialogs.length, 1);
  assert.match(visitor.path(), /basic$/);
  assert.equal(await visitor.field("Lead Source").inputValue(), "Social Media");
  visitor.willAnswer(true);
  await visitor.link("Requests").click();
  await page.waitForURL("**/requests");
  // Saving is no leaving.
  await visitor.open("/connectors/sales-to-archive/basic");
  assert.equal(await visitor.field("Lead Source").inputValue(), "");
  await visitor.field("Lead Source").fill("Social Media");
  await page.getByRole("button", { name: /^Save/ }).click();
  await visitor.sees("Saved.");
  await visitor.open("/connectors/sales-to-archive/basic");
  assert.equal(await visitor.field("Lead Source").inputValue(), "Social Media");
});

scene("what can't be undone is asked first", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const failed = () => service.ask("logs", "--job-status", "failure");
  const before = await failed();
  await visitor.open("/connectors/sales-to-patients");
  const retry = async () => {
    await visitor.page.getByText("More actions").click();
    await visitor.button("Retry failures").click({ noWaitAfter: true });
  };
  visitor.willAnswer(false);
  await retry();
  assert.match(visitor.dialogs[0], /Retry all failed requests of sales-to-patients/);
  assert.deepEqual(await failed(), before);
  visitor.willAnswer(true);
  await visitor.button("Retry failures").click();
  await visitor.sees("The retry has started.");
});
