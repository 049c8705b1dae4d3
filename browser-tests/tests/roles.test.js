// Who may see and do what, by role.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PAGES } from "../pages.js";
import { scene, shared } from "../stage/scene.js";
import { OPERATOR, VIEWER, busy, connected, signedIn } from "../stage/world.js";

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

/** Forms that can be sent: the others only hold what a role may look at. */
const SENT = "form[method=post]:has(button:enabled:not([type=button]))";

/** The routes that a role may post to, by the table of `docs/access.md`, as patterns of their paths. */
const posts = (role) => {
  const table = readFileSync(new URL("../../docs/access.md", import.meta.url), "utf8");
  const rows = table.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.slice(2, -2).split(" | "));
  const column = rows.find(([first]) => first === "method").indexOf(role);
  const open = rows.filter((row) => row[0] === "POST" && row[column] === "yes").map(([, path]) => path.replaceAll("`", ""));
  assert.ok(open.length > 5, `a ${role} may post to ${open.join(" ")}`);
  return open.map((path) => new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`));
};

for (const [role, as] of [["operator", OPERATOR], ["viewer", VIEWER]]) {
  scene(`every page that is closed to the role ${role} says so; no page links to it, or has a form that is refused`, async (stage) => {
    const service = await world();
    const visitor = await signedIn(stage, service, { as });
    const { page } = visitor;
    const closed = new Set();
    const linked = new Set();
    const refused = new Set();
    const allowed = posts(role);
    for (const { route, path = () => route, world: kind, as: other, status = 200 } of PAGES) {
      if (kind !== "busy" || other || status !== 200) continue;
      const address = path(service);
      visitor.foresee(/status of 403/);
      const answer = await page.goto(address);
      if (answer.status() === 403) {
        closed.add(new URL(address, service.base).pathname);
        await visitor.sees("Ask an administrator.");
        assert.equal(await page.locator("form[method=post]").count(), 0);
        continue;
      }
      visitor.foreseen.length = 0;
      assert.equal(answer.status(), 200, address);
      const paths = (selector, name) => page.locator(selector).evaluateAll((all, of) => all.map((one) => new URL(one.getAttribute(of), window.location.href).pathname), name);
      for (const there of await paths("a[href]", "href")) linked.add(there);
      for (const there of await paths(SENT, "action")) {
        if (!allowed.some((pattern) => pattern.test(there))) refused.add(`${there} on ${address}`);
      }
    }
    assert.ok(closed.size > 3, `the role ${role} may not see ${[...closed].join(" ")}`);
    assert.deepEqual([...linked].filter((address) => closed.has(address)), []);
    assert.deepEqual([...refused], []);
  });
}

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
