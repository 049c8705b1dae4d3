// What one does by keyboard alone. That every page's stops are seen is tested with the pages.
import assert from "node:assert/strict";
import { scene, shared } from "../stage/scene.js";
import { ADMINISTRATOR, PASSWORD, busy, signedIn } from "../stage/world.js";

const world = shared(busy);

/** Presses the tab key until this has the focus. */
const tabTo = async (visitor, locator) => {
  for (let stops = 0; stops < 100; stops += 1) {
    await visitor.page.keyboard.press("Tab");
    if (await locator.evaluate((one) => one === document.activeElement)) return;
  }
  throw new Error(`the tab key does not come to ${locator}`);
};

scene("the first stop leads past the navigation", async (stage) => {
  const visitor = await signedIn(stage, await world());
  const { page } = visitor;
  await visitor.open("/requests");
  const skip = visitor.link("Skip to content");
  assert.ok((await skip.boundingBox()).x < 0, "it is out of sight until it is wanted");
  await page.keyboard.press("Tab");
  assert.ok(await skip.evaluate((one) => one === document.activeElement));
  assert.ok((await skip.boundingBox()).x > 0);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.getElementById("main").contains(document.activeElement)));
});

scene("one signs in, filters, looks at a request, retries it and signs out", async (stage) => {
  const service = await world();
  const visitor = await stage.visitor(service);
  const { page } = visitor;
  const type = (text) => page.keyboard.type(text);
  await visitor.open("/requests?job_status=failure");
  // The first field has the focus by itself.
  await page.waitForFunction(() => document.activeElement.id === "email");
  await type(ADMINISTRATOR);
  await page.keyboard.press("Tab");
  await type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/requests?job_status=failure");
  await tabTo(visitor, page.locator("#q"));
  await type(service.known.keyless.records[0].source_id);
  await page.keyboard.press("Enter");
  await page.waitForURL(/[?&]q=[0-9a-f-]{36}/);
  await tabTo(visitor, visitor.request(service.known.keyless));
  // It opens beside the list; Escape leads back to where one was.
  await page.keyboard.press("Enter");
  await visitor.link("Open full page").waitFor();
  await page.waitForURL(/[?&]open=/);
  assert.ok(await page.locator("aside.drawer").evaluate((one) => one === document.activeElement), "the focus is in the drawer");
  await page.keyboard.press("Escape");
  await visitor.link("Open full page").waitFor({ state: "detached" });
  assert.ok(await visitor.request(service.known.keyless).evaluate((one) => one === document.activeElement));
  await page.keyboard.press("Enter");
  await tabTo(visitor, page.locator(".drawer").getByRole("button", { name: "Retry", exact: true }));
  const [, posted] = await Promise.all([page.keyboard.press("Enter"), page.waitForResponse((answer) => answer.request().method() === "POST")]);
  assert.equal(posted.status(), 303);
  // Where the form leads, before going elsewhere.
  await page.waitForURL(/[?&]told=retried/);
  await visitor.open(`/requests/${service.known.keyless.id}?tab=attempts`);
  await visitor.seesInTime(/^Attempt 3:/);
  await tabTo(visitor, page.locator(".side .me > summary"));
  await page.keyboard.press("Enter");
  await tabTo(visitor, visitor.button("Sign out"));
  await page.keyboard.press("Enter");
  await page.waitForURL("**/sign-in*");
});

scene("the menu opens and closes", async (stage) => {
  const visitor = await signedIn(stage, await world());
  const { page } = visitor;
  await visitor.open("/connectors/sales-to-patients");
  const summary = page.locator("summary", { hasText: "More actions" });
  await tabTo(visitor, summary);
  await page.keyboard.press("Enter");
  await visitor.link("Edit configuration").waitFor();
  await page.keyboard.press("Tab");
  assert.ok(await visitor.link("Edit configuration").evaluate((one) => one === document.activeElement));
  await page.keyboard.press("Escape");
  await visitor.link("Edit configuration").waitFor({ state: "hidden" });
  assert.ok(await summary.evaluate((one) => one === document.activeElement), "the focus goes back to what opened it");
  await page.keyboard.press("Enter");
  await visitor.link("Edit configuration").waitFor();
  await page.mouse.click(5, 400);
  await visitor.link("Edit configuration").waitFor({ state: "hidden" });
});
