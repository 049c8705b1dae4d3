// A lead of which it is not plain who it is: a person decides, makes a rule of it, and undoes it.
import assert from "node:assert/strict";
import { scene } from "../stage/scene.js";
import { OPERATOR, requests, signedIn, undecided } from "../stage/world.js";

scene("a lead is decided about, and what waited for it is written", async (stage) => {
  const service = await undecided(stage);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open("/");
  await page.getByText("1 lead needs review").waitFor();
  await page.getByRole("link", { name: "Reviews" }).last().click();
  await page.getByRole("link", { name: "asha.nair@example.com" }).click();
  await page.getByRole("heading", { name: "Side by side" }).waitFor();
  const shown = await page.locator("table").first().innerText();
  for (const part of ["found by Email", "found by Phone Number", "Nayar", "Mumbai"]) assert.match(shown, new RegExp(part));

  await page.getByText("Also apply a rule to future leads").click();
  await page.getByRole("radio", { name: /^The lead with the primary key/ }).check();
  await page.getByRole("button", { name: /^Link to 1: Asha Nair/ }).click();
  await page.getByText("Review resolved. Retrying held changes").waitFor();
  await requests(service, 3);
  const [written] = await service.archive.leadsOf("asha.nair@example.com");
  assert.deepEqual([written.ProspectID, written.mx_City, written.Phone || ""], [service.byEmail, "Pune", ""]);
  const settings = await service.call("GET", "connectors/sales-to-archive");
  assert.equal(settings.identity.keys_disagree, "primary");

  await page.getByRole("link", { name: "View outcome" }).click();
  await page.getByText("Linked to lead").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Decision undone. The review is open again").waitFor();
  await page.getByRole("heading", { name: "Resolve" }).waitFor();
});

scene("an operator decides, and makes no rules", async (stage) => {
  const service = await undecided(stage);
  const visitor = await signedIn(stage, service, { as: OPERATOR });
  const { page } = visitor;
  await visitor.open("/requests?state=review");
  await page.locator("table.log").getByRole("link", { name: "Asha Nair" }).first().click();
  await page.getByRole("link", { name: "Resolve" }).click();
  await page.getByRole("link", { name: "asha.nair@example.com" }).click();
  assert.equal(await page.getByText("Also apply a rule to future leads").count(), 0);
  await page.getByRole("button", { name: "Ignore", exact: true }).click();
  await page.getByRole("link", { name: "View outcome" }).click();
  await page.getByText("Lead ignored.").waitFor();
});
