// The everyday tasks, each with the number of clicks that it may take at most. Changing a mapping row
// and restoring settings are counted in `mapping.test.js`, fixing all alike failures in
// `repair.test.js`, and the whole set-up in `setup.test.js`.
import assert from "node:assert/strict";
import { Clicks } from "../stage/clicks.js";
import { scene } from "../stage/scene.js";
import { until } from "../stage/waiting.js";
import { busy, connected, requests, signedIn, undecided } from "../stage/world.js";

/** Does a task from the overview, and checks the number of clicks. */
const task = (title, most, world, act) => scene(`${title}: at most ${most} clicks`, async (stage) => {
  const service = await world(stage);
  const visitor = await signedIn(stage, service);
  await visitor.open("/");
  const clicks = new Clicks(visitor.page);
  await act({ service, visitor, page: visitor.page, clicks });
  assert.ok(clicks.count <= most, `it took ${clicks.count} clicks, of ${most}`);
  console.log(`${title}: ${clicks.count} of at most ${most} clicks`);
});

const nav = (page, name) => page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link", { name, exact: false });

task("find a lead by phone", 2, busy, async ({ service, page, clicks }) => {
  await page.keyboard.press("/");
  await clicks.enter(page.locator("#find-lead"), "098123 45670");
  await page.waitForURL((url) => url.pathname === `/leads/sales/${service.known.lead}` || url.pathname.startsWith("/leads/patients/"));
  await page.getByRole("heading", { name: "Field history" }).waitFor();
});

task("see how much quota is left and when it ends", 0, busy, async ({ page }) => {
  const text = await page.getByRole("main").innerText();
  assert.match(text, /[0-9,]+ of [0-9,]+/, "calls left");
  await page.getByRole("heading", { name: "Quota" }).waitFor();
});

task("pause a connector", 2, busy, async ({ service, page, clicks }) => {
  await clicks.click(page.getByRole("main").getByRole("link", { name: "sales ⇄ patients", exact: true }));
  await clicks.click(page.getByRole("button", { name: "Disable" }));
  await page.getByText("Connector disabled.").waitFor();
  assert.equal((await service.ask("connector", "show", "sales-to-patients")).enabled, false);
});

task("resolve a review", 3, undecided, async ({ service, page, clicks }) => {
  await clicks.click(nav(page, "Reviews"));
  await clicks.click(page.getByRole("link", { name: "asha.nair@example.com" }));
  await clicks.click(page.getByRole("button", { name: /^Link to 1/ }));
  await page.getByText("Review resolved.").waitFor();
  await requests(service, 3);
});

task("see which leads differ", 2, connected, async ({ service, visitor, page, clicks }) => {
  const id = await service.sales.createLead({ FirstName: "Asha", EmailAddress: "asha@example.com", mx_City: "Pune" });
  await requests(service, 2);
  const [twin] = await service.patients.leadsOf("asha@example.com");
  await service.run(["connector", "disable", "patients-to-sales"]);
  await service.patients.editLead(twin.ProspectID, { mx_City: "Goa" });
  await service.run(["parity", "sales-to-patients"]);
  assert.ok(id);
  await visitor.open("/");
  await clicks.click(nav(page, "Compare"));
  await clicks.click(page.getByRole("link", { name: "sales-to-patients" }));
  await page.getByRole("cell", { name: /Pune in sales, Goa in patients/ }).waitFor();
});

task("backfill", 4, connected, async ({ service, page, clicks }) => {
  await service.sales.importLeads([{ FirstName: "Asha", LastName: "Nair", EmailAddress: "asha@example.com" }]);
  await clicks.click(nav(page, "Backfills"));
  await clicks.click(page.getByText("New backfill"));
  await clicks.click(page.getByRole("button", { name: "Count the leads for a backfill of sales-to-patients" }));
  await page.getByRole("heading", { name: "Expected result" }).waitFor();
  await clicks.click(page.getByRole("button", { name: "Start backfill" }));
  await until("the lead in patients", async () => (await service.patients.leadsOf("asha@example.com")).length === 1);
});

task("add a colleague who may only look", 4, connected, async ({ service, page, clicks, visitor }) => {
  await clicks.click(nav(page, "Users & tokens"));
  await clicks.click(page.locator("summary", { hasText: "Add a user" }));
  await page.getByLabel("Email", { exact: true }).fill("meera@example.com");
  await page.getByLabel("Password", { exact: true }).fill("another calm green lamp");
  await clicks.choose(page.getByLabel("Role", { exact: true }), "viewer");
  await clicks.click(page.getByRole("button", { name: "Add user" }));
  await page.getByRole("cell", { name: "meera@example.com" }).first().waitFor();
  const meera = await visitor.constructor.come(service);
  await meera.open("/connectors/sales-to-patients");
  await meera.signIn("meera@example.com", "another calm green lamp");
  await meera.page.waitForURL("**/connectors/sales-to-patients");
  assert.equal(await meera.page.locator("main form[method=post]").count(), 0, "nothing can be changed");
  meera.assertContent();
  await meera.end();
});
