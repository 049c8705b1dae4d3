// The addresses that receive alerts and digests, and the alert when nothing arrives.
import assert from "node:assert/strict";
import { scene } from "../stage/scene.js";
import { connected, signedIn } from "../stage/world.js";

const HOOK = "https://hooks.example.com/services/T0/B0/secret-and-long";

for (const javaScript of [true, false]) {
  scene(`an address is added and edited without its URL${javaScript ? "" : ", and without scripts"}`, async (stage) => {
    const service = await connected(stage);
    const visitor = await signedIn(stage, service, { javaScript });
    const { page } = visitor;
    await visitor.open("/alerts");
    await page.getByLabel("Email address or webhook URL").fill(HOOK);
    await page.getByLabel("These connectors").check();
    await page.getByLabel("sales-to-patients").check();
    await visitor.button("Add address").click();
    await visitor.sees("Added.");
    await visitor.sees("https://hooks.example.com/…long");
    const row = page.locator("tbody tr");
    assert.match(await row.innerText(), /sales-to-patients[\s\S]*Alerts/);

    await page.getByRole("link", { name: /^Edit / }).click();
    await visitor.sees("The address itself stays.");
    assert.equal(await page.getByLabel("sales-to-patients").isChecked(), true);
    // It would receive nothing.
    await page.getByRole("checkbox", { name: /^Alerts/ }).uncheck();
    visitor.foresee(/status of 400/);
    await visitor.button("Save").click();
    await visitor.sees("Your changes were not saved.");
    if (javaScript) assert.deepEqual(await visitor.faults(), []);
    await visitor.field("Digest").selectOption("daily");
    await visitor.field("Digest at").selectOption("18");
    await page.getByLabel("All connectors").check();
    await visitor.button("Save").click();
    await visitor.sees("Saved.");
    assert.match(await row.innerText(), /All[\s\S]*Digest daily at 18:00/);
    assert.ok(!(await page.content()).includes("services"), "the URL is a secret");

    await page.getByRole("link", { name: /^Edit / }).click();
    await visitor.sees("The address itself stays.");
    assert.equal(await visitor.field("Digest").inputValue(), "daily");
    assert.equal(await visitor.field("Digest at").inputValue(), "18");
    await visitor.link("Cancel").click();
    await page.waitForURL("**/alerts");
    const [told] = await service.ask("alert", "list");
    assert.deepEqual(told.digest, { every: "daily", hour: 18 });
    assert.equal(told.immediate, false);
  });
}

scene("the alert when nothing arrives is set with the basic settings", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service);
  await visitor.open("/connectors/sales-to-patients/basic");
  const hours = visitor.field("Alert when nothing arrives for this many hours");
  await hours.fill("a day");
  visitor.foresee(/status of 400/);
  await visitor.page.getByRole("button", { name: /^Save/ }).click();
  await visitor.sees("is not a whole number of hours");
  assert.deepEqual(await visitor.faults(), []);
  await hours.fill("24");
  await visitor.page.getByRole("button", { name: /^Save/ }).click();
  await visitor.sees("Saved.");
  await visitor.open("/connectors/sales-to-patients/basic");
  assert.equal(await hours.inputValue(), "24");
  await visitor.open("/connectors/sales-to-patients");
  await visitor.sees("alert after 24 hours without one");
});
