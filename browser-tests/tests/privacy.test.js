// Requests of people to see or to erase what is stored about them, and webhook URLs that others may know.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { scene } from "../stage/scene.js";
import { until } from "../stage/waiting.js";
import { connected, requests, signedIn } from "../stage/world.js";

const EMAIL = "asha.nair@example.com";
const OTHER = "imran.khan@example.com";

const find = async (visitor, who) => {
  await visitor.open("/personal-data");
  await visitor.field("Email address, phone number or lead ID").fill(who);
  await visitor.button("Find").click();
};

for (const javaScript of [true, false]) {
  scene(`a person is found, exported and erased, and still synced${javaScript ? "" : ", without JavaScript"}`, async (stage) => {
    const service = await connected(stage);
    const id = await service.sales.createLead({ FirstName: "Asha", LastName: "Nair", EmailAddress: EMAIL, mx_City: "Pune" });
    await service.sales.createLead({ FirstName: "Imran", LastName: "Khan", EmailAddress: OTHER });
    await requests(service, 4);
    const visitor = await signedIn(stage, service, { javaScript });
    const { page } = visitor;
    visitor.foresee(/status of 400/);
    await find(visitor, "not a person");
    await visitor.sees("This is not an email address");

    // From the lead's own page.
    await visitor.open(`/leads/sales/${id}`);
    await visitor.button("Personal data").click();
    await visitor.sees("Stored about this person");
    if (javaScript) assert.deepEqual(await visitor.faults(), []);
    const facts = await page.locator("dl.facts").innerText();
    assert.match(facts, /Requests\s+2/);
    const downloading = page.waitForEvent("download");
    await visitor.button("Download").click();
    const file = await (await downloading).path();
    const told = await readFile(file, "utf8");
    assert.ok(told.includes(EMAIL) && !told.includes(OTHER));
    assert.equal(JSON.parse(told).leads.length, 2, "the lead in each account");

    if (javaScript) visitor.willAnswer(true);
    await visitor.button("Erase").click();
    await visitor.sees("Erased.");
    if (javaScript) assert.deepEqual(await visitor.faults(), []);
    await visitor.open(`/requests?q=${EMAIL}`);
    await visitor.sees("No matching requests");
    await visitor.open(`/requests?q=${OTHER}`);
    assert.notEqual(await page.locator("table.log tbody tr").count(), 0);

    await visitor.open("/audit");
    const audit = await page.locator("main table").innerText();
    assert.match(audit, /erased what was stored about a/);
    assert.equal(audit.includes(EMAIL), false);

    // The link is still known: the lead is updated, not created once more.
    await service.sales.editLead(id, { mx_City: "Mumbai" });
    const [newest] = await requests(service, 3);
    assert.equal(newest.records[0].event, "updated", JSON.stringify(newest));
  });
}

scene("who does not administer finds nobody's personal data", async (stage) => {
  const service = await connected(stage);
  for (const as of ["vikram@example.com", "nadia@example.com"]) {
    const visitor = await signedIn(stage, service, { as });
    await visitor.open("/personal-data", 403);
  }
});

scene("a webhook URL is replaced, the old one works for a while, and then no more", async (stage) => {
  const service = await connected(stage);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open("/connectors/sales-to-patients/webhook");
  const field = page.getByLabel("Webhook URL for sales", { exact: true });
  const old = await field.inputValue();
  assert.equal(old, service.url);
  await page.getByText("Replace the URL for sales").click();
  visitor.willAnswer(true);
  await visitor.button("Replace URL").first().click();
  await visitor.sees("Old URLs of sales");
  assert.deepEqual(await visitor.faults(), []);
  const replaced = await field.inputValue();
  assert.notEqual(replaced, old);
  const post = async (url) => (await fetch(url, { method: "POST", body: '{"Current":{"ProspectID":"x"}}' })).status;
  assert.equal(await post(replaced), 200);
  assert.equal(await post(old), 200, "both work");
  visitor.willAnswer(true);
  await visitor.button("End old URLs now").click();
  await visitor.sees("no longer valid");
  assert.equal(await post(replaced), 200);
  // Each node looks for changes once a second.
  await until("the old URL to end", async () => (await post(old)) === 404);
});
