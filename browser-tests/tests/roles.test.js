// Who may see and do what, by role.
import assert from "node:assert/strict";
import { PAGES } from "../pages.js";
import { scene, shared } from "../stage/scene.js";
import { OPERATOR, busy, connected, signedIn } from "../stage/world.js";

const world = shared(busy);

scene("an operator looks, retries, and switches connectors, and sees no door that is closed", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service, { as: OPERATOR });
  const { page } = visitor;
  await visitor.open("/connectors/sales-to-patients");
  assert.equal(await visitor.link("Accounts").count(), 0);
  assert.equal(await visitor.link("Basic settings").count(), 0);
  await page.getByText("More actions").click();
  assert.equal(await visitor.link("Edit configuration").count(), 0);
  assert.equal(await visitor.link("Remove…").count(), 0);
  await visitor.button("Disable").click();
  await visitor.sees("Connector disabled. Nothing is synced until it is enabled.");
  await page.getByText("More actions").click();
  await visitor.button("Enable").click();
  await visitor.sees("Connector enabled.");
  const said = await service.ask("connector", "show", "sales-to-patients");
  assert.equal(said.enabled, true);
});

scene("every page that an operator may not see says so, and none that is linked is such a page", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service, { as: OPERATOR });
  const { page } = visitor;
  const closed = new Set();
  const linked = new Set();
  for (const { route, path = () => route, world: kind, as, status = 200 } of PAGES) {
    if (kind !== "busy" || as || status !== 200) continue;
    const address = path(service);
    visitor.foresee(/status of 403/);
    const answer = await page.goto(address);
    if (answer.status() === 403) {
      closed.add(address);
      await visitor.sees("Ask an administrator.");
      assert.equal(await page.locator("form[method=post]").count(), 0);
      continue;
    }
    visitor.foreseen.length = 0;
    assert.equal(answer.status(), 200, address);
    for (const link of await page.locator("a[href]").all()) linked.add(new URL(await link.getAttribute("href"), service.base).pathname);
  }
  assert.ok(closed.size > 3, `an operator may not see ${[...closed].join(" ")}`);
  assert.deepEqual([...linked].filter((address) => closed.has(address)), []);
});

scene("who is removed is out at once", async (stage) => {
  const service = await connected(stage);
  await service.run(["user", "add", "meera@example.com"], "another calm green lamp");
  const visitor = await stage.visitor(service);
  await visitor.open("/accounts");
  await visitor.signIn("meera@example.com", "another calm green lamp");
  await visitor.page.waitForURL("**/accounts");
  await service.run(["user", "remove", "meera@example.com"]);
  await visitor.open("/accounts");
  assert.match(visitor.path(), /^\/sign-in/);
});

scene("a form from another site does nothing", async (stage) => {
  const service = await connected(stage);
  const { accounts: [elsewhere] } = await stage.sandbox(1);
  const visitor = await signedIn(stage, service);
  await visitor.open("/connectors");
  // Another site, on which the administrator happens to be, posts to ours.
  // To a browser it is the same site, another origin, so that the session's cookie goes along.
  visitor.origins.push(elsewhere.host);
  visitor.foresee(/status of 403/);
  visitor.foresee(/status of 404.*favicon/);
  await visitor.page.goto(`${elsewhere.host}/leads`);
  const [answer] = await Promise.all([
    visitor.page.waitForResponse((one) => one.url().endsWith("/disable")),
    visitor.page.evaluate((address) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: address });
      document.body.append(form);
      form.submit();
    }, `${service.base}/connectors/sales-to-patients/disable`),
  ]);
  assert.equal(answer.status(), 403);
  assert.equal((await service.ask("connector", "show", "sales-to-patients")).enabled, true);
});
