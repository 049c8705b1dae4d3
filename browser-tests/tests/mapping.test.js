// The mapping editor: checked while typing, reviewed, saved, compared and restored.
import assert from "node:assert/strict";
import { scene } from "../stage/scene.js";
import { connected, requests, signedIn } from "../stage/world.js";

const MAPPING = "/connectors/sales-to-patients/mapping";

/** The row that fills this field. */
const row = (page, to) => page.locator("tr[data-row]", { has: page.locator(`input[name$=".to"][value="${to}"]`) });

scene("rows are found, checked as one types, reviewed, saved and brought back", async (stage) => {
  const service = await connected(stage);
  await service.sales.createLead({ FirstName: "Asha", LastName: "Nair", EmailAddress: "asha@example.com" });
  await requests(service, 2);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open(MAPPING);

  // Found by its name, with what the last payload holds.
  const all = await page.locator("tr[data-row]:visible").count();
  await visitor.field("Find a field").fill("firstname");
  assert.ok((await page.locator("tr[data-row]:visible").count()) < all);
  const first = row(page, "FirstName");
  await first.getByText("“Asha”").waitFor();

  // Wrong: told in place. Right again: what the field gets is shown, before anything is saved.
  const from = first.locator("input[list=sources]");
  await from.fill("Nothing");
  await first.locator(".finding").waitFor();
  await from.fill("LastName");
  await first.locator(".value", { hasText: "Nair" }).waitFor();
  await page.getByText("1 unsaved change").waitFor();
  await first.locator("summary").click();
  await first.getByLabel("Default value").fill("Unknown");
  await page.getByText("2 unsaved changes").waitFor();

  // Whoever leaves is asked first.
  const asked = page.waitForEvent("dialog");
  await page.evaluate(() => { window.location = "/connectors"; }).catch(() => {});
  assert.equal((await asked).type(), "beforeunload");
  assert.equal(await from.inputValue(), "LastName", "and stays");
  visitor.complaints.length = 0;

  await visitor.button("Review changes").click();
  await visitor.sees("lead.field[FirstName].default");
  await visitor.button("Test on recent requests").click();
  await page.locator("#trial del", { hasText: "Asha" }).first().waitFor();
  await visitor.button("Review changes").click();
  await visitor.button("Save").click();
  await visitor.sees("Saved.");
  await visitor.sees("No unsaved changes");
  const shown = await service.call("GET", "connectors/sales-to-patients");
  const { settings = shown } = shown;
  const saved = settings.lead.field.find((one) => one.to === "FirstName");
  assert.deepEqual([saved.from, saved.default], ["LastName", "Unknown"]);

  await visitor.link("Versions").first().click();
  await page.getByText(/Compare with current/).first().click();
  await page.getByRole("button", { name: /^Restore version \d+$/ }).first().click();
  await visitor.sees("Version restored");
  await visitor.open(MAPPING);
  await visitor.sees("Default mapping:");
});

scene("a custom row is added and deleted, a default survives a look, and the session may end", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open(MAPPING);
  await visitor.button("Add a custom row").click();
  const added = page.locator("tr[data-row]", { has: page.locator('input[name$=".custom"]') });
  await added.locator("input[list=targets]").fill("mx_City");
  await added.locator("input[list=sources]").fill("Current.City");
  await page.getByText(/\d unsaved change/).waitFor();
  await added.locator("summary").click();
  await added.getByRole("button", { name: "Delete row" }).click();
  await page.getByText("No unsaved changes").waitFor();

  // Signed out elsewhere: it says so, and what is written stays.
  const first = row(page, "FirstName").locator("input[list=sources]");
  await page.context().clearCookies();
  await first.fill("LastName");
  await page.locator("#said", { hasText: "You are signed out" }).waitFor();
  await visitor.button("Review changes").click();
  assert.equal(await first.inputValue(), "LastName");
});
