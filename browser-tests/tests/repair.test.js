// What failed is fixed from its error: from the overview to "all retried" in a few clicks.
import assert from "node:assert/strict";
import { scene } from "../stage/scene.js";
import { OPERATOR, duplicated, refused, signedIn } from "../stage/world.js";
import { until } from "../stage/waiting.js";

/** The most clicks from the overview until everything is retried. */
const MOST_CLICKS = 5;

const planOf = async (account, email) => {
  const [lead] = await account.leadsOf(email);
  return lead?.mx_Plan;
};

scene("values that the destination does not list are mapped from the error, and all records are synced", async (stage) => {
  const service = await refused(stage);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open("/");
  let clicks = 0;
  const click = async (target) => { await target.click(); clicks += 1; };

  await click(page.locator('a[href*="missing_option"]').first());
  await visitor.sees(`0 of ${service.leads.length} records would be sent to patients`);
  // The closest options are chosen already; one value is like none of them.
  assert.equal(await visitor.field("Option for Premium plan").inputValue(), "Premium");
  assert.equal(await visitor.field("Option for Gold").inputValue(), "");
  await visitor.field("Option for Gold").selectOption("Plus");
  clicks += 1;
  await click(visitor.button("Preview"));
  await visitor.sees(`${service.leads.length} of ${service.leads.length} records would be sent to patients.`);
  await page.locator(".diff li", { hasText: "Gold" }).filter({ hasText: "Plus" }).waitFor();
  await click(visitor.button(`Save and retry ${service.leads.length} records`));
  await page.waitForURL("**/retries/*");
  assert.ok(clicks <= MOST_CLICKS, `${clicks} clicks`);
  await visitor.sees("Finished");

  const expected = { "Premium plan": "Premium", Gold: "Plus" };
  for (const { email, plan } of service.leads) {
    await until(`${email} to be there`, async () => (await planOf(service.patients, email)) === expected[plan]);
  }
  await visitor.open("/failures");
  await visitor.sees("No open failures.");
});

scene("without scripts, a field is left out as easily", async (stage) => {
  const service = await refused(stage);
  const visitor = await signedIn(stage, service, { javaScript: false });
  await visitor.open("/failures");
  await visitor.page.getByRole("link", { name: /^Value is not an option/ }).click();
  await visitor.page.getByText("Leave the field out").click();
  await visitor.button("Preview").nth(1).click();
  await visitor.sees("left out");
  await visitor.button(`Save and retry ${service.leads.length} records`).click();
  await until("the leads to be there", async () => {
    const there = await Promise.all(service.leads.map(({ email }) => service.patients.leadsOf(email)));
    return there.every((found) => found.length === 1 && !found[0].mx_Plan);
  });
});

scene("an operator dismisses failures with a note, and they come back when they recur", async (stage) => {
  const service = await refused(stage);
  const visitor = await signedIn(stage, service, { as: OPERATOR });
  const { page } = visitor;
  await visitor.open("/failures");
  await page.getByRole("link", { name: /^Value is not an option/ }).click();
  await page.getByText("Dismiss", { exact: true }).click();
  await visitor.field("Note").fill("Old plans; nobody needs them.");
  await visitor.button(`Dismiss ${service.leads.length} records`).click();
  await visitor.sees("No open failures.");
  await page.getByText("1 dismissed").click();
  await visitor.sees("Old plans; nobody needs them.");
  await visitor.open("/");
  assert.equal(await page.locator('a[href*="missing_option"]').count(), 0, "it needs no attention");

  await service.sales.createLead({ FirstName: "Another", EmailAddress: "another@example.com", mx_Plan: "Gold" });
  await visitor.open("/failures");
  // The list of open groups is there again.
  await visitor.seesInTime("Last seen");
  await page.getByRole("link", { name: /^Value is not an option/ }).click();
  await visitor.sees(/Recurred/);
});

scene("an operator sends a refused duplicate to review from its error, and links the two leads", async (stage) => {
  const service = await duplicated(stage);
  const visitor = await signedIn(stage, service, { as: OPERATOR });
  const { page } = visitor;
  await visitor.open("/failures");
  await visitor.seesInTime("Unique value belongs to another lead");
  await page.getByRole("link", { name: "Unique value belongs to another lead" }).click();
  await visitor.button("Retry and send to review").click();
  await page.waitForURL("**/retries/*");
  await visitor.sees("Finished");
  await visitor.open("/reviews");
  await page.getByRole("link", { name: "asha.nair@example.com" }).click();
  await visitor.sees("found by Phone");
  await page.getByRole("button", { name: /^Link to 1: Ashish/ }).click();
  await visitor.sees("Review resolved.");
  await until("the leads to be one", async () => {
    const [lead] = await service.archive.leadsOf("asha.nair@example.com");
    return lead?.ProspectID === service.holder;
  });
});
