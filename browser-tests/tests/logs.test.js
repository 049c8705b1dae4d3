// The log: its filters, what comes while one looks, retries, downloads, and a lead's story.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { scene, shared } from "../stage/scene.js";
import { until } from "../stage/waiting.js";
import { busy, connected, requests, signedIn } from "../stage/world.js";

const world = shared(busy);

const rows = (visitor) => visitor.page.locator("table.log tbody tr");
const leads = async (visitor) => (await visitor.page.locator("td[data-label=Lead] a").allInnerTexts()).sort();

scene("a filter is in the address, which shows the same to a colleague", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open("/requests");
  const all = await rows(visitor).count();
  await page.getByRole("navigation", { name: "Filter by event" }).getByRole("link", { name: /^New/ }).click();
  await page.waitForURL(/event=new/);
  assert.equal(await rows(visitor).count(), 6);
  await visitor.field("Lead").fill("asha.nair@example.com");
  await visitor.field("Period").selectOption({ label: "Today" });
  await visitor.field("Connector").selectOption("sales-to-patients");
  await visitor.button("Apply").click();
  await page.waitForURL(/connector=sales-to-patients/);
  assert.deepEqual(await leads(visitor), ["asha.nair@example.com"]);
  const query = new URL(page.url()).searchParams;
  assert.deepEqual(["event", "q", "period", "connector"].map((name) => query.get(name)), ["new", "asha.nair@example.com", "today", "sales-to-patients"]);

  const colleague = await signedIn(stage, service);
  await colleague.open(visitor.path());
  assert.deepEqual(await leads(colleague), ["asha.nair@example.com"]);
  assert.equal(await colleague.field("Lead").inputValue(), "asha.nair@example.com");

  // Each part can be taken away, and Back brings it again.
  await page.getByRole("link", { name: "Remove the filter Lead asha.nair@example.com" }).click();
  await page.waitForURL((url) => !url.searchParams.has("q"));
  assert.equal(await rows(visitor).count(), 6);
  await page.goBack();
  assert.deepEqual(await leads(visitor), ["asha.nair@example.com"]);
  await visitor.link("Clear filters").click();
  await page.waitForURL((url) => url.search === "");
  assert.equal(await rows(visitor).count(), all);
});

scene("a lead is found by its phone number and its id in either account", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const [record] = service.known.created.records;
  for (const [q, found] of [["+91 98123 45670", /asha\.nair/], [record.source_id, /@example/], [record.destination_id, /@example/]]) {
    await visitor.open("/requests");
    await visitor.field("Lead").fill(q);
    await visitor.field("Lead").press("Enter");
    await visitor.page.waitForURL(/[?&]q=./);
    assert.match((await leads(visitor)).join(" "), found, q);
  }
});

scene("the days of one's own choice are asked for where they count", async (stage) => {
  const visitor = await signedIn(stage, await world());
  const { page } = visitor;
  await visitor.open("/requests");
  await visitor.field("Period").selectOption({ label: "Custom range" });
  await visitor.field("From").fill("2020-01-01");
  await visitor.field("To").fill("2020-01-02");
  await visitor.button("Apply").click();
  await visitor.sees("No matching requests.");
  await visitor.field("To").fill("");
  await visitor.button("Apply").click();
  await rows(visitor).first().waitFor();
  assert.equal(await visitor.field("From").inputValue(), "2020-01-01");
});

scene("what comes while one looks is told, and shown when one asks for it", async (stage) => {
  const service = await connected(stage);
  await service.sales.createLead({ FirstName: "Asha", EmailAddress: "asha@example.com" });
  await requests(service, 2);
  const visitor = await signedIn(stage, service);
  await visitor.open("/requests?connector=sales-to-patients");
  assert.deepEqual(await leads(visitor), ["asha@example.com"]);
  await service.sales.createLead({ FirstName: "Imran", EmailAddress: "imran@example.com" });
  const more = visitor.button("Show 1 new");
  await more.waitFor();
  assert.deepEqual(await leads(visitor), ["asha@example.com"], "nothing moves by itself");
  await more.click();
  await visitor.link("imran@example.com").waitFor();
  assert.deepEqual(await leads(visitor), ["asha@example.com", "imran@example.com"]);
});

scene("what failed is mended in the account, selected, and tried again", async (stage) => {
  const service = await connected(stage);
  const probe = await service.sales.createLead({ FirstName: "Probe", EmailAddress: "probe@example.com" });
  await requests(service, 2);
  for (const [number, FirstName] of ["Asha", "Imran", "Zoë"].entries()) {
    await service.sales.createLead({ FirstName });
    await requests(service, 3 + number);
  }
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open("/requests?event=failed");
  assert.equal(await rows(visitor).count(), 3);
  assert.ok(await visitor.button("Retry selected").isDisabled(), "nothing is selected");

  // A key to find leads by is mapped to what they have: the retry takes the settings of now.
  const shown = await service.call("GET", "connectors/sales-to-patients");
  const fields = [{ from: "FirstName", to: "FirstName" }, { from: "Phone", to: "Phone" }, { compute: "{{ FirstName | lower }}@example.com", to: "EmailAddress" }];
  const { settings = shown } = shown;
  settings.lead = { ...settings.lead, field: fields };
  await service.call("PUT", "connectors/sales-to-patients", settings);
  // They take effect within a moment.
  let count = 5;
  await until("the new settings to be in force", async () => {
    await service.sales.editLead(probe, { LastName: `number ${count}` });
    count += 1;
    const [newest] = (await requests(service, count)).filter((item) => item.connector === "sales-to-patients");
    return newest.records[0].version === 2;
  });

  await page.getByRole("checkbox").nth(0).check();
  await page.getByRole("checkbox").nth(1).check();
  await visitor.button("Retry 2 selected").click();
  await page.waitForURL((url) => url.pathname !== "/requests" || url.search !== "?event=failed");
  await until("two of the leads to be there", async () => {
    const there = await Promise.all(["imran", "zoë"].map((name) => service.patients.leadsOf(`${name}@example.com`)));
    return there.every((found) => found.length === 1);
  });
  assert.deepEqual(await service.patients.leadsOf("asha@example.com"), [], "it was not selected");

  // The rest: all that match, with progress.
  await requests(service, count);
  await visitor.open("/requests?event=failed");
  await page.getByRole("link", { name: /^Retry all 1 failed/ }).click();
  await visitor.sees("Rate limit (requests per minute)");
  await visitor.button("Retry").click();
  await page.waitForURL("**/retries/*");
  await visitor.sees("Finished");
  assert.equal((await service.patients.leadsOf("asha@example.com")).length, 1);
  await visitor.open("/requests?event=failed");
  await visitor.sees("No matching requests.");
});

scene("a filtered log is downloaded as CSV and as JSON lines", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open("/requests?event=new");
  for (const [label, name, test] of [
    [/^CSV/, /\.csv$/, (text) => assert.equal(text.trim().split("\n").length, 7, "a head and six leads")],
    [/^JSON lines/, /\.jsonl$/, (text) => assert.equal(text.trim().split("\n").map((line) => JSON.parse(line)).length, 6)],
  ]) {
    await page.locator("summary", { hasText: "Download" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: label }).click()]);
    assert.match(download.suggestedFilename(), name);
    test(await readFile(await download.path(), "utf8"));
    await page.reload();
  }
});

scene("a request tells its story, and leads to the lead's", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open(`/requests/${service.known.updated.id}`);
  const changed = page.locator("tr", { has: page.locator("td[data-label=Field]", { hasText: /^mx_City$/ }) });
  assert.equal(await changed.locator("del").innerText(), "Pune");
  assert.equal(await changed.locator("ins").innerText(), "Mumbai");
  await page.locator("details.call summary", { hasText: "Lead.Update" }).click();
  const sent = page.locator("details.call[open] pre").first();
  assert.ok(JSON.parse(await sent.innerText()).some(({ Attribute, Value }) => Attribute === "mx_City" && Value === "Mumbai"));
  await page.getByRole("button", { name: "Copy request" }).first().click();
  await page.locator("#said", { hasText: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await sent.innerText());
  await visitor.link("Lead in patients").click();
  await visitor.sees("Field history");
  const city = page.locator("tr", { has: page.locator("td[data-label=Field]", { hasText: /^mx_City$/ }) });
  assert.equal(await city.locator("td[data-label=Value]").innerText(), "Mumbai");
  assert.match(await city.locator("td[data-label=Why]").innerText(), /sales-to-patients/);
  await page.getByRole("link", { name: service.known.lead }).click();
  await visitor.sees("asha.nair@example.com in sales");
});
