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
  await page.getByRole("navigation", { name: "Filter by state" }).getByRole("link", { name: /^Synced/ }).click();
  await page.waitForURL(/state=synced/);
  assert.equal(await rows(visitor).count(), 7, "six leads were created and one was updated");
  await visitor.field("Lead").fill("asha.nair@example.com");
  await visitor.field("Lead").press("Enter");
  await page.waitForURL(/[?&]q=./);
  // A filter applies as soon as one chooses it.
  await visitor.field("Period").selectOption({ label: "Today" });
  await page.waitForURL(/period=today/);
  await visitor.field("Connector").selectOption("sales-to-patients");
  await page.waitForURL(/connector=sales-to-patients/);
  assert.deepEqual(await leads(visitor), ["Asha Nair", "Asha Nair"]);
  const query = new URL(page.url()).searchParams;
  assert.deepEqual(["state", "q", "period", "connector"].map((name) => query.get(name)), ["synced", "asha.nair@example.com", "today", "sales-to-patients"]);

  const colleague = await signedIn(stage, service);
  await colleague.open(visitor.path());
  assert.deepEqual(await leads(colleague), ["Asha Nair", "Asha Nair"]);
  assert.equal(await colleague.field("Lead").inputValue(), "asha.nair@example.com");

  // Each part can be taken away, and Back brings it again.
  await page.getByRole("link", { name: "Remove the filter Lead asha.nair@example.com" }).click();
  await page.waitForURL((url) => !url.searchParams.has("q"));
  assert.equal(await rows(visitor).count(), 7);
  await page.goBack();
  assert.deepEqual(await leads(visitor), ["Asha Nair", "Asha Nair"]);
  await visitor.link("Clear filters").click();
  await page.waitForURL((url) => url.search === "");
  assert.equal(await rows(visitor).count(), all);
});

scene("a row says whose lead it is, its state, and what changed; the first is high on the page", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await page.setViewportSize({ width: 1280, height: 800 });
  await visitor.open("/requests");
  const row = (request) => rows(visitor).filter({ has: page.locator(`a[href="/requests/${request.id}"]`) });
  assert.match(await row(service.known.updated).innerText(), /Asha Nair\s+Synced\s+(.*City.*)\s+sales-to-patients/);
  assert.match(await row(service.known.keyless).innerText(), /Nobody Reachable\s+Failed/);
  const first = await rows(visitor).first().boundingBox();
  assert.ok(first.y <= 800 / 3, `the first row begins at ${first.y} px`);
  assert.ok(Math.abs(first.height - 36) <= 1, `a row is ${first.height} px high`);
  await page.getByText("Times in").first().waitFor();
});

scene("echoes of our own writes are shown when one asks for them", async (stage) => {
  const visitor = await signedIn(stage, await world());
  const { page } = visitor;
  await visitor.open("/requests");
  const before = await rows(visitor).count();
  assert.equal(await page.getByText("Reports our own write").count(), 0);
  const show = page.getByRole("link", { name: /^Show \d+ echoes$/ });
  const echoes = Number((await show.innerText()).match(/\d+/)[0]);
  assert.ok(echoes >= 6, `each lead that was created reports itself: ${echoes}`);
  await show.click();
  await page.waitForURL(/echoes=shown/);
  assert.equal(await rows(visitor).count(), before + echoes);
  await visitor.link("Hide echoes").click();
  await page.waitForURL((url) => url.search === "");
  assert.equal(await rows(visitor).count(), before);
});

scene("a request opens beside the list, and the address, the arrows and Back know of it", async (stage) => {
  const visitor = await signedIn(stage, await world());
  const { page } = visitor;
  await visitor.open("/requests");
  const links = page.locator("a[data-drawer]");
  const [first, second] = await links.evaluateAll((all) => all.slice(0, 2).map((link) => link.dataset.drawer));
  const drawer = page.locator("aside.drawer");
  const opened = () => new URL(page.url()).searchParams.get("open");
  await links.first().click();
  await drawer.locator("#story h1").waitFor();
  assert.equal(opened(), first);
  assert.equal((await drawer.boundingBox()).width, 480);
  await page.keyboard.press("ArrowDown");
  await drawer.getByText(second, { exact: true }).waitFor();
  assert.equal(opened(), second);
  assert.equal(await page.locator("tr[aria-current]").getAttribute("data-request"), second);
  // Its tabs stay in the drawer, and the list can be used beside it.
  await drawer.getByRole("link", { name: "Payload" }).click();
  await drawer.getByText("Content-Type").waitFor();
  assert.equal(opened(), second);
  await page.reload();
  await drawer.locator("#story h1").waitFor();
  assert.equal(opened(), second, "what was open is open again");
  await page.keyboard.press("ArrowUp");
  await drawer.getByText(first, { exact: true }).waitFor();
  await page.goBack();
  await drawer.waitFor({ state: "detached" });
  assert.equal(opened(), null);
  await links.nth(1).click();
  await drawer.locator("#story h1").waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  await page.waitForURL((url) => !url.searchParams.has("open"));
  assert.ok(await links.nth(1).evaluate((one) => one === document.activeElement), "the focus is back where it was");
  // On a narrow screen it is a page.
  await page.setViewportSize({ width: 375, height: 800 });
  await links.first().click();
  await page.waitForURL(`**/requests/${first}`);
});

scene("a filter is saved under a name", async (stage) => {
  const visitor = await signedIn(stage, await world());
  const { page } = visitor;
  await visitor.open("/requests?state=failed");
  await page.locator("summary", { hasText: "Views" }).click();
  await visitor.field("Save this filter as").fill("My failures");
  await visitor.button("Save").click();
  await visitor.sees("View saved.");
  await visitor.open("/requests");
  await page.locator("summary", { hasText: "Views" }).click();
  await page.getByRole("link", { name: "My failures" }).click();
  await page.waitForURL(/state=failed/);
  await page.locator("summary", { hasText: "View: My failures" }).click();
  await page.getByText("Rename or remove").click();
  await visitor.field("Name of My failures").fill("Failed");
  await visitor.button("Rename My failures").click();
  await visitor.sees("View renamed.");
  await page.locator("summary", { hasText: "View: Failed" }).click();
  await page.getByText("Rename or remove").click();
  await visitor.button("Remove Failed").click();
  await visitor.sees("View removed.");
});

scene("a lead is found by its phone number in two steps, from any page", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  for (const phone of ["9812345670", "09812345670", "0091 98123 45670", "+91-9812345670", "98123 45670"]) {
    await visitor.open("/connectors");
    await page.keyboard.press("/");
    await page.keyboard.type(phone);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: /^Asha Nair in / }).waitFor();
  }
  await visitor.open("/leads");
  await page.locator("table.leads").getByRole("link", { name: "Imran Khan" }).waitFor();
  for (const q of ["Nair", "nair asha", "asha.nair@", "nair@example"]) {
    await visitor.open(`/leads?${new URLSearchParams({ q })}`);
    await page.getByRole("heading", { level: 1, name: /^Asha Nair in / }).waitFor();
  }
});

scene("a lead is compared in both accounts and synced at once", async (stage) => {
  const service = await connected(stage);
  const id = await service.sales.createLead({ FirstName: "Asha", LastName: "Nair", EmailAddress: "asha@example.com", mx_City: "Pune" });
  await requests(service, 2);
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open(`/leads/sales/${id}`);
  await visitor.link("Compare live").click();
  await visitor.sees("All fields agree.");
  assert.equal(visitor.path(), `/leads/sales/${id}`, "the page stays");
  await visitor.button("Sync now").click();
  await visitor.sees("The lead was read and is being synced.");
  const all = await requests(service, 3);
  assert.equal(all[0].origin, "sweep");
});

scene("a lead is found by its phone number and its id in either account, in the log", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const [record] = service.known.created.records;
  for (const [q, found] of [["+91 98123 45670", /Asha Nair/], [record.source_id, /\w+ \w+/], [record.destination_id, /\w+ \w+/]]) {
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
  await visitor.field("To").press("Enter");
  await visitor.sees("No matching requests.");
  await page.locator("summary", { hasText: "More filters" }).click();
  await visitor.field("To").fill("");
  await visitor.field("To").press("Enter");
  await rows(visitor).first().waitFor();
  assert.equal(await visitor.field("From").inputValue(), "2020-01-01");
});

scene("what comes while one looks is told, and shown when one asks for it", async (stage) => {
  const service = await connected(stage);
  await service.sales.createLead({ FirstName: "Asha", EmailAddress: "asha@example.com" });
  await requests(service, 2);
  const visitor = await signedIn(stage, service);
  await visitor.open("/requests?connector=sales-to-patients");
  assert.deepEqual(await leads(visitor), ["Asha"]);
  await service.sales.createLead({ FirstName: "Imran", EmailAddress: "imran@example.com" });
  const more = visitor.button("Show 1 new");
  await more.waitFor();
  assert.deepEqual(await leads(visitor), ["Asha"], "nothing moves by itself");
  await more.click();
  await visitor.link("Imran").waitFor();
  assert.deepEqual(await leads(visitor), ["Asha", "Imran"]);
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
  await visitor.open("/requests?state=failed");
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
  await page.waitForURL((url) => url.pathname !== "/requests" || url.search !== "?state=failed");
  await until("two of the leads to be there", async () => {
    const there = await Promise.all(["imran", "zoë"].map((name) => service.patients.leadsOf(`${name}@example.com`)));
    return there.every((found) => found.length === 1);
  });
  assert.deepEqual(await service.patients.leadsOf("asha@example.com"), [], "it was not selected");

  // The rest: all that match, with progress.
  await requests(service, count);
  await visitor.open("/requests?state=failed");
  await page.getByRole("link", { name: /^Retry all 1 failed/ }).click();
  await visitor.sees("Rate limit (requests per minute)");
  await visitor.button("Retry").click();
  await page.waitForURL("**/retries/*");
  await visitor.sees("Finished");
  assert.equal((await service.patients.leadsOf("asha@example.com")).length, 1);
  await visitor.open("/requests?state=failed");
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
  const changed = page.locator("tr", { has: page.locator("td[data-label=Field]", { hasText: /^City mx_City$/ }) });
  assert.equal(await changed.locator("del").innerText(), "Pune");
  assert.equal(await changed.locator("ins").innerText(), "Mumbai");
  await page.getByRole("link", { name: /^Attempts/ }).click();
  await page.locator("details.call summary", { hasText: "Lead.Update" }).click();
  const sent = page.locator("details.call[open] pre").first();
  assert.ok(JSON.parse(await sent.innerText()).some(({ Attribute, Value }) => Attribute === "mx_City" && Value === "Mumbai"));
  await page.getByRole("button", { name: "Copy request", exact: true }).first().click();
  await page.locator("#said", { hasText: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await sent.innerText());
  await page.getByRole("link", { name: "Changes" }).click();
  await visitor.link("Lead in patients").click();
  await visitor.sees("Field history");
  const city = page.locator("tr", { has: page.locator("td[data-label=Field]", { hasText: /^City mx_City$/ }) });
  assert.equal(await city.locator("td[data-label=Value]").innerText(), "Mumbai");
  assert.match(await city.locator("td[data-label=Why]").innerText(), /sales-to-patients/);
  await page.getByRole("link", { name: service.known.lead }).click();
  await visitor.sees("Asha Nair in sales");
});
