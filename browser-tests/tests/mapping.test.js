// The mapping editor: a row's details beside the list, checked while typing, reviewed, saved, compared and restored.
import assert from "node:assert/strict";
import { PHONE } from "../stage/browser.js";
import { scene } from "../stage/scene.js";
import { connected, requests, signedIn } from "../stage/world.js";

const MAPPING = "/connectors/sales-to-patients/mapping";

/** The row of this field. */
const row = (page, to) => page.locator(`tr[data-row="${to}"]`);
const drawer = (page) => page.locator("#drawer");
const settings = async (service) => {
  const shown = await service.call("GET", "connectors/sales-to-patients");
  return shown.settings ?? shown;
};

/** Clicks, and counts it. */
const counting = () => {
  let clicks = 0;
  return { click: async (target) => { clicks += 1; await target.click(); }, get clicks() { return clicks; } };
};

scene("a row is found, checked as one types, reviewed, saved and restored", async (stage) => {
  const service = await connected(stage);
  await service.sales.createLead({ FirstName: "Asha", LastName: "Nair", EmailAddress: "asha@example.com" });
  await requests(service, 2);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open(MAPPING);
  await visitor.sees("Automatic mapping.");

  // Found by its name, with what the last payload holds.
  const all = await page.locator("tr[data-row]:visible").count();
  await visitor.field("Find a field").fill("firstname");
  assert.ok((await page.locator("tr[data-row]:visible").count()) < all);
  await row(page, "FirstName").getByText("Asha").waitFor();
  await row(page, "FirstName").getByText("Automatic").waitFor();
  await visitor.field("Find a field").fill("");

  // The details are beside the list and in the address; the search and what is typed stay.
  await row(page, "FirstName").locator(".cover").click();
  const from = drawer(page).getByLabel("Filled from");
  await from.waitFor();
  assert.match(visitor.path(), /\?row=FirstName$/);
  await drawer(page).getByText("“Asha”").waitFor();

  // Wrong: told in place. Right again: what the field gets is shown, before anything is saved.
  await from.fill("Nothing");
  await drawer(page).locator(".finding").waitFor();
  await from.fill("LastName");
  await drawer(page).locator("#result .value", { hasText: "Nair" }).waitFor();
  await page.getByText("1 unsaved change").waitFor();
  await drawer(page).getByLabel("Default value").fill("Unknown");
  await drawer(page).getByText("· Changed").waitFor();

  // Whoever leaves is asked first.
  const asked = page.waitForEvent("dialog");
  await page.evaluate(() => { window.location = "/connectors"; }).catch(() => {});
  assert.equal((await asked).type(), "beforeunload");
  assert.equal(await from.inputValue(), "LastName", "and stays");
  visitor.complaints.length = 0;

  // Another row does not lose the first one.
  await row(page, "LastName").locator(".cover").click();
  await drawer(page).getByRole("heading", { name: "Last Name" }).waitFor();
  await page.getByText("1 unsaved change").waitFor();
  await visitor.button("Test").click();
  await page.locator("#trial del", { hasText: "Asha" }).first().waitFor();
  await page.locator(".bar").getByRole("button", { name: "Review changes" }).click();
  const line = page.locator("#review li");
  await line.first().waitFor();
  assert.equal(await line.count(), 1, "one line a row");
  assert.match(await line.innerText(), /First Name\s+now from Last Name \(was First Name\); default “Unknown”/);
  await visitor.button("Save").click();
  await visitor.sees("Saved.");
  await visitor.sees("No unsaved changes");
  const { lead } = await settings(service);
  assert.equal(lead.automatic, true, "it stays automatic");
  assert.deepEqual(lead.field.map(({ from: source, to, default: given }) => [source, to, given]), [["LastName", "FirstName", "Unknown"]]);

  // Restored in three clicks from the connector's page, after a look at the lines.
  const by = counting();
  await visitor.open("/connectors/sales-to-patients");
  await by.click(page.getByText("More actions"));
  await by.click(visitor.link("Versions").first());
  await visitor.sees("now from Last Name (was First Name); default “Unknown”");
  assert.doesNotMatch(await page.locator("main").innerText(), /[{}]/, "no JSON");
  await by.click(page.getByRole("button", { name: "Restore version 1", exact: true }));
  await visitor.sees("Version restored");
  assert.ok(by.clicks <= 3, `${by.clicks} clicks`);
  await visitor.open(MAPPING);
  await visitor.sees("Automatic mapping.");
  assert.equal(await page.getByText("Changed", { exact: true }).count(), 0);
});

scene("a row is changed in five clicks, reset, and reached by keyboard", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  const by = counting();
  await visitor.open("/connectors/sales-to-patients");
  await by.click(visitor.link("Mapping"));
  await by.click(row(page, "FirstName").locator(".cover"));
  // The field has the focus: one types.
  await drawer(page).waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Last Name");
  await by.click(drawer(page).getByRole("button", { name: "Review changes" }));
  await page.locator("#review li", { hasText: "now from Last Name" }).waitFor();
  await by.click(visitor.button("Save"));
  await visitor.sees("Saved.");
  assert.ok(by.clicks <= 5, `${by.clicks} clicks`);

  await row(page, "FirstName").locator(".cover").click();
  await drawer(page).getByRole("button", { name: "Reset to automatic" }).click();
  await drawer(page).getByText("· Automatic").waitFor();
  await page.locator(".bar").getByRole("button", { name: "Review changes" }).click();
  await page.locator("#review li", { hasText: "now from First Name (was Last Name)" }).waitFor();
  await visitor.button("Save").click();
  await page.waitForURL(/told=saved/);
  assert.equal((await settings(service)).lead.field, undefined);

  // Arrow keys go through the rows, and Escape closes.
  await visitor.open(`${MAPPING}?row=FirstName`);
  const heading = drawer(page).getByRole("heading");
  const first = await heading.innerText();
  await page.locator("h1").click({ position: { x: 2, y: 2 } });
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction((was) => document.querySelector("#drawer-title")?.textContent !== was, first);
  assert.doesNotMatch(visitor.path(), /row=FirstName$/);
  await page.keyboard.press("Escape");
  await drawer(page).waitFor({ state: "detached" });
  assert.equal(visitor.path(), MAPPING);
});

scene("going back closes a row, going forward opens it again, and what is typed stays", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open("/connectors/sales-to-patients");
  await visitor.open(MAPPING);
  await row(page, "LastName").locator(".cover").click();
  await drawer(page).getByLabel("Default value").fill("Unknown");
  await page.getByText("1 unsaved change").waitFor();
  // Another row takes its place, so that going back still closes.
  await row(page, "FirstName").locator(".cover").click();
  await drawer(page).getByRole("heading", { name: "First Name" }).waitFor();
  assert.match(visitor.path(), /row=FirstName$/);
  await page.goBack();
  await drawer(page).waitFor({ state: "detached" });
  assert.equal(visitor.path(), MAPPING);
  await page.getByText("1 unsaved change").waitFor();
  await page.goForward();
  await drawer(page).getByRole("heading", { name: "First Name" }).waitFor();
  await drawer(page).getByRole("button", { name: "Close" }).click();
  await drawer(page).waitFor({ state: "detached" });
  await page.waitForURL((url) => !url.search);
  await row(page, "LastName").locator(".cover").click();
  await drawer(page).getByLabel("Default value").waitFor();
  assert.equal(await drawer(page).getByLabel("Default value").inputValue(), "Unknown");
});

scene("a row is added and removed, a manual mapping becomes automatic, and the session may end", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open(MAPPING);
  await visitor.button("Add a row").click();
  await drawer(page).getByLabel("Field in patients").fill("mx_KYC.mx_CustomObject_1");
  await drawer(page).getByLabel("Filled from").fill("Current.City");
  await page.getByText(/\d unsaved change/).waitFor();
  await drawer(page).getByRole("button", { name: "Remove row" }).click();
  await page.getByText("No unsaved changes").waitFor();

  await visitor.button("Switch to manual mapping").click();
  await visitor.sees("Manual mapping.");
  await page.getByText("1 unsaved change").waitFor();
  await visitor.button("Switch to automatic with these changes").click();
  await page.getByText("No unsaved changes").waitFor();

  // Signed out elsewhere: it says so, and what is written stays.
  await row(page, "FirstName").locator(".cover").click();
  const from = drawer(page).getByLabel("Filled from");
  await from.waitFor();
  await page.context().clearCookies();
  await from.fill("LastName");
  await page.locator("#said", { hasText: "You are signed out" }).waitFor();
  await drawer(page).getByRole("button", { name: "Review changes" }).click();
  assert.equal(await from.inputValue(), "LastName");
});

scene("values without an option are counted and mapped from a list", async (stage) => {
  const service = await connected(stage);
  for (const number of [1, 2]) {
    const lead = { ProspectID: `c0ffee00-0000-4000-8000-00000000000${number}`, EmailAddress: `n${number}@example.com`, ProspectStage: "Unheard Of" };
    await fetch(service.url, { method: "POST", body: JSON.stringify({ Before: {}, After: lead, Current: lead }) });
  }
  // Each comes back once as the echo of the other account's own lead.
  await requests(service, 6);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open(MAPPING);
  const state = row(page, "ProspectStage").locator("[data-fresh=state]");
  assert.match(await state.innerText(), /Unmapped values|Warning/);
  await row(page, "ProspectStage").locator(".cover").click();
  const becomes = drawer(page).getByLabel("Unheard Of becomes");
  await becomes.waitFor();
  assert.match(await drawer(page).locator(".unmapped td.number").first().innerText(), /^4$/);
  const option = await becomes.locator("option").nth(1).innerText();
  await becomes.selectOption(option);
  await drawer(page).getByRole("button", { name: "Review changes" }).click();
  await page.locator("#review li", { hasText: `“Unheard Of” becomes “${option}”` }).waitFor();
  await visitor.button("Save").click();
  await visitor.sees("Saved.");
  const { lead } = await settings(service);
  assert.deepEqual(lead.field.map(({ to, values }) => [to, values]), [["ProspectStage", { "Unheard Of": option }]]);
});

scene("without scripts a row is opened, changed, kept while another is open, and saved", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service, { javaScript: false, screen: PHONE });
  const { page } = visitor;
  await visitor.open(`${MAPPING}?row=FirstName`);
  await drawer(page).getByLabel("Default value").fill("Unknown");
  await drawer(page).getByRole("button", { name: "Next row" }).click();
  await drawer(page).getByRole("heading", { name: "First Name" }).waitFor({ state: "detached" });
  await drawer(page).getByRole("button", { name: "Review changes" }).click();
  await page.locator("#review li", { hasText: "default “Unknown”" }).waitFor();
  await visitor.button("Save").click();
  await visitor.sees("Saved.");
  const { lead } = await settings(service);
  assert.deepEqual(lead.field.map(({ to, default: given }) => [to, given]), [["FirstName", "Unknown"]]);
});

scene("an owner is chosen by name from the users of the account", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service);
  await visitor.open(`${MAPPING}/owners`);
  const fallback = visitor.field("Fallback owner");
  assert.equal(await fallback.evaluate((field) => field.tagName), "SELECT");
  await fallback.selectOption({ index: 1 });
  const chosen = await fallback.inputValue();
  await visitor.button("Review changes").click();
  await visitor.button("Save").click();
  await visitor.sees("Saved.");
  assert.equal((await settings(service)).owner.fallback, chosen);
});
