// What an administrator does about changes that no webhook reported: a backfill, comparing the accounts, and a sweep.
import assert from "node:assert/strict";
import { DESKTOP, PHONE } from "../stage/browser.js";
import { scene } from "../stage/scene.js";
import { until } from "../stage/waiting.js";
import { paired, requests, signedIn } from "../stage/world.js";

const CONNECTOR = "/connectors/sales-to-patients";
const COMPARE = `${CONNECTOR}/compare`;

/** For what takes the service more than a moment. */
const LONG = 60_000;
const inTime = (what, look, seen) => until(what, look, seen, LONG);

const person = (number, more) => ({
  FirstName: "Asha", LastName: `Nair ${number}`, EmailAddress: `asha${number}@example.com`, mx_City: "Pune", ...more,
});
/** People with these numbers, the last one left out. */
const people = (from, to, more) => Array.from({ length: to - from }, (_, at) => person(from + at, more));

const cityOf = async (account, number) => (await account.leadsOf(person(number).EmailAddress))[0]?.mx_City;

/** The facts that a part of the page lists, by their names. */
const facts = async (part) => {
  const rows = part.locator("dl.facts > div");
  return Object.fromEntries(await rows.evaluateAll((all) => all.map((one) => [...one.children].map((child) => child.innerText))));
};

/** The numbers of a backfill, by their names. */
const numbers = async (panel) => {
  const rows = panel.locator(".stats li");
  const read = await rows.evaluateAll((all) => all.map((one) => [one.querySelector("span").innerText, one.querySelector("strong").innerText]));
  return Object.fromEntries(read.map(([name, number]) => [name, Number(number.replaceAll(",", ""))]));
};

/** Nothing is wrong with the page as it is now, in light and dark and on a phone. */
const assertSound = async (visitor) => {
  const { page } = visitor;
  const found = [...await visitor.faults()];
  await page.emulateMedia({ colorScheme: "dark" });
  found.push(...await visitor.faults());
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(PHONE);
  found.push(...await visitor.faults(), ...await visitor.tooWide());
  await page.setViewportSize(DESKTOP);
  assert.deepEqual(found, []);
};

scene("a backfill is counted, confirmed, watched, paused and resumed", async (stage) => {
  const service = await paired(stage);
  const { sales, patients } = service;
  // 300 are in both: 180 alike, 60 whose city the destination does not know, and 60 with another city.
  await sales.importLeads([...people(0, 1_100), { FirstName: "Nobody" }, { FirstName: "Reachable" }]);
  await patients.importLeads([...people(0, 180), ...people(180, 240, { mx_City: "" }), ...people(240, 300, { mx_City: "Goa" })]);
  await patients.importLeads(people(5_000, 5_010));
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  // Whatever changes while this is there changes by itself.
  const stay = () => page.evaluate(() => { window.isTheSame = true; });
  const assertStayed = async () => assert.ok(await page.evaluate(() => window.isTheSame), "the page was not loaded again");

  await visitor.open(CONNECTOR);
  await page.getByText("More actions").click();
  await visitor.link("Backfill…").click();
  await visitor.button("Count leads").click();
  await page.getByRole("heading", { name: "Counting" }).waitFor();
  await stay();
  const plan = page.getByRole("region", { name: "Expected result" });
  await inTime("the plan", async () => (await plan.count()) > 0);
  await assertStayed();
  assert.equal(await page.getByRole("heading", { name: "Counting" }).count(), 0);
  const { "Minimum duration": duration, ...planned } = await facts(plan);
  assert.match(duration, /minute/);
  for (const name of ["API calls to sales", "API calls to patients"]) {
    assert.match(planned[name], /^about \d+$/);
    delete planned[name];
  }
  assert.deepEqual(planned, {
    "Would be created": "800", "In both, not linked yet": "300", "Of those, identical": "180", "Of those, different": "120",
    "Linked, would be updated": "0", "Linked, up to date": "0", Ambiguous: "0", "Would fail": "2",
    "Skipped by the sync behaviour": "0", "Outside the filter": "0", "Only in patients": "10",
  });
  const told = await plan.innerText();
  assert.match(told, /^1,102 leads were read at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\. Nothing was written\.$/m, "in the reader's own time");
  assert.match(told, /empty fields are filled from the other account, and fields that differ are not changed/);
  assert.match(told, /Differing fields: mx_City \(120\)\./);
  assert.match(told, /would link or change 300 of 310 leads in the destination, which is more than 20%/);
  assert.deepEqual(await patients.leadsOf("asha300@example.com"), [], "nothing was written");
  await assertSound(visitor);

  // So many leads are not changed before that is confirmed.
  const confirm = page.getByRole("checkbox", { name: "I have checked this; these leads can be changed" });
  await visitor.button("Start backfill").click();
  assert.ok(await confirm.evaluate((box) => box.matches(":invalid")));
  assert.equal(await page.getByRole("region", { name: "Backfill 1" }).count(), 0);
  await confirm.check();
  await visitor.button("Start backfill").click();
  await visitor.sees("The backfill has started.");
  const panel = page.getByRole("region", { name: "Backfill 1" });
  const seen = () => `: ${JSON.stringify(now)}`;
  let now = {};
  const numbersAre = (what, test) => inTime(what, async () => test(now = await numbers(panel)), seen);
  assert.equal(await plan.count(), 0, "what was counted is out of date now");

  // The progress comes by itself, and takes nobody's focus away.
  await stay();
  await visitor.button("Pause").focus();
  await numbersAre("leads to be created", ({ created }) => created > 0);
  assert.match(await panel.innerText(), /% of 1,102 leads/);
  assert.equal(await page.evaluate(() => document.activeElement.value), "pause");
  await assertStayed();
  await page.keyboard.press("Enter");
  await visitor.sees("Backfill paused.");
  assert.equal(await panel.locator(".state").innerText(), "paused");
  assert.equal(await visitor.button("Pause").count(), 0);
  await assertSound(visitor);

  // What was read before the pause is synced, and no more.
  const readText = await panel.getByText(/leads read/).innerText();
  const read = Number(/^([\d,]+) leads read\.$/.exec(readText)[1].replaceAll(",", ""));
  assert.ok(read < 1_102, `${read} were read`);
  await stay();
  await numbersAre("what was read to be synced", ({ waiting }) => waiting === 0);
  await page.locator("#said", { hasText: "Backfill 1 is paused." }).waitFor();
  await assertStayed();
  assert.deepEqual(now, { created: read - 300, updated: 60, unchanged: 240, skipped: 0, failed: 0, waiting: 0 });
  assert.equal(await panel.getByText(/leads read/).innerText(), readText);
  assert.deepEqual(await patients.leadsOf("asha1099@example.com"), []);

  await visitor.button("Resume").click();
  await visitor.sees("Backfill resumed.");
  await stay();
  await inTime("the end", async () => (await panel.locator(".state").innerText()) === "done", () => panel.innerText());
  await page.locator("#said", { hasText: "Backfill 1 is done." }).waitFor();
  await assertStayed();
  assert.deepEqual(await numbers(panel), { created: 800, updated: 60, unchanged: 240, skipped: 0, failed: 2, waiting: 0 });
  assert.match(await panel.innerText(), /1,102 leads read \(all\)\./);
  assert.equal(await visitor.button("Start backfill").count(), 0, "what was counted before does not begin another one");
  assert.deepEqual(await Promise.all([0, 180, 240, 1_099].map((number) => cityOf(patients, number))), ["Pune", "Pune", "Goa", "Pune"]);

  // Its numbers lead to its requests.
  await panel.getByRole("link", { name: "failed" }).click();
  await page.waitForURL("**/requests?backfill=1&event=failed");
  const rows = page.locator("table.log tbody tr[data-request]");
  assert.equal(await rows.count(), 1, "both leads without a key are in one request");
  await rows.first().getByRole("link").first().click();
  await visitor.sees("The record has no value for EmailAddress or Phone");
});

/** Compares the accounts, and loads the page again until that is over. */
const compare = async (visitor) => {
  await visitor.button("Compare now").click();
  await visitor.sees("The comparison has started.");
  await inTime("the comparison to end", async () => {
    await visitor.open(COMPARE);
    return (await visitor.button("Compare now").count()) > 0;
  });
};

const result = ({ page }) => page.getByRole("region", { name: "Comparison result" }).innerText();

scene("the accounts are compared, and what differs is synced", async (stage) => {
  const service = await paired(stage);
  const { sales, patients } = service;
  await sales.importLeads(people(0, 20));
  await service.run(["backfill", "sales-to-patients", "--yes", "--json"]);
  const [theirs] = await patients.leadsOf("asha7@example.com");
  await patients.editLead(theirs.ProspectID, { mx_City: "Goa" });
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  await visitor.open(CONNECTOR);
  await page.getByRole("navigation", { name: "Connector pages" }).getByRole("link", { name: "Compare" }).click();
  await visitor.sees("No comparison yet.");
  await compare(visitor);
  assert.match(await result(visitor), /^95\.00% agree\s+19 of 20 linked leads agree; 1 differs\.\s+Compared at /);
  const rows = page.locator("tbody tr");
  await rows.first().waitFor();
  assert.equal(await rows.count(), 1);
  assert.match(await rows.innerText(), /asha7@example\.com\s+Differs\s+mx_City: Pune in sales, Goa in patients/);
  await assertSound(visitor);

  // Somebody compares again elsewhere: the numbers of this list are not those of the new one.
  const elsewhere = await signedIn(stage, service);
  await elsewhere.open(COMPARE);
  await compare(elsewhere);
  const select = page.getByRole("checkbox", { name: "Select asha7@example.com" });
  await select.check();
  visitor.foresee(/status of 409/);
  await visitor.button("Sync selected to patients").click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.innerText(), /The leads were not synced\.\s+The accounts were compared again after you opened this page\. This is the new list: select the leads again\./);
  assert.equal((await service.ask("logs", "--limit", "200")).filter(({ origin }) => origin === "parity").length, 0);
  assert.equal(await cityOf(patients, 7), "Goa");

  // The page shows the new list, from which it goes on.
  visitor.foresee(/status of 400/);
  await visitor.button("Sync selected to patients").click();
  await visitor.sees("No lead was selected. Select the leads to sync first.");
  await select.check();
  await visitor.button("Sync selected to patients").click();
  await visitor.sees("The leads are being synced. Compare again to see the result.");
  await page.getByText("synced since:").waitFor();
  await inTime("the lead to be synced", async () => (await cityOf(patients, 7)) === "Pune");
  assert.equal((await service.ask("logs", "--limit", "200")).filter(({ origin }) => origin === "parity").length, 1);
  await compare(visitor);
  assert.match(await result(visitor), /^100% agree\s+20 of 20 linked leads agree\.\s/);
  await visitor.sees("No differences were found.");
  assert.equal(await cityOf(sales, 7), "Pune");
});

scene("all that differ are synced only after a question", async (stage) => {
  const service = await paired(stage);
  const { sales, patients } = service;
  await sales.importLeads(people(0, 5));
  await service.run(["backfill", "sales-to-patients", "--yes", "--json"]);
  for (const number of [1, 3]) {
    const [theirs] = await patients.leadsOf(`asha${number}@example.com`);
    await patients.editLead(theirs.ProspectID, { mx_City: "Goa" });
  }
  const visitor = await signedIn(stage, service);
  await visitor.open(COMPARE);
  await compare(visitor);
  visitor.willAnswer(false);
  await visitor.button("Sync all to sales").click();
  assert.match(visitor.dialogs[0], /^Sync all leads in this list, on all pages, to sales\? Values from patients overwrite those in sales\.$/);
  assert.equal(visitor.path(), COMPARE);
  visitor.willAnswer(true);
  await visitor.button("Sync all to sales").click();
  await visitor.sees("The leads are being synced.");
  await inTime("the source to be written", async () => (await cityOf(sales, 1)) === "Goa" && (await cityOf(sales, 3)) === "Goa");
  assert.equal(await cityOf(sales, 2), "Pune");
});

/** Loads the page again until no sweep is under way. */
const swept = (visitor) => inTime("the sweep to end", async () => {
  await visitor.open(COMPARE);
  return (await visitor.page.getByText("A sweep is in progress.").count()) === 0;
});

scene("a sweep syncs what no webhook reported, and waits where that is much", async (stage) => {
  const service = await paired(stage);
  const { sales, patients } = service;
  const ids = await sales.importLeads(people(0, 130));
  await service.run(["backfill", "sales-to-patients", "--yes", "--json"]);
  await sales.setOfLeads(ids.slice(0, 3), "mx_City", "Kochi");
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  const main = page.locator("main");

  await visitor.open(COMPARE);
  assert.equal((await facts(main))["Last completed sweep"], "none yet");
  await visitor.button("Sweep now").click();
  await visitor.sees("A sweep has started.");
  await swept(visitor);
  const first = await facts(main);
  assert.match(first["Last completed sweep"], /, found 3 changes$/);
  assert.equal(first["Found in total"], "3 changes");
  await requests(service, 4, LONG);
  assert.deepEqual(await Promise.all([0, 2, 3].map((number) => cityOf(patients, number))), ["Kochi", "Kochi", "Pune"]);

  // More than 100 leads, and more than a fifth of all, wait for a person.
  await sales.setOfLeads(ids.slice(0, 120), "mx_City", "Delhi");
  await visitor.button("Sweep now").click();
  await visitor.sees("A sweep has started.");
  await swept(visitor);
  const warning = page.locator(".warning");
  assert.match(await warning.innerText(), /A sweep found 120 changes, more than 20% of all linked leads\. Nothing was written\./);
  assert.deepEqual(await facts(main), first, "it is not over");
  assert.equal(await visitor.button("Sweep now").count(), 0);
  await assertSound(visitor);
  assert.deepEqual(await Promise.all([0, 119].map((number) => cityOf(patients, number))), ["Kochi", "Pune"]);
  await visitor.button("Sync 120 changes").click();
  await visitor.sees("Confirmed. The next sweep syncs what it finds.");
  await swept(visitor);
  const last = await facts(main);
  assert.match(last["Last completed sweep"], /, found 120 changes$/);
  assert.equal(last["Found in total"], "123 changes");
  assert.equal(await warning.count(), 0);
  await inTime("all changes in the destination", async () => {
    const cities = await Promise.all(Array.from({ length: 120 }, (_, number) => cityOf(patients, number)));
    return cities.every((city) => city === "Delhi");
  });
  assert.equal(await cityOf(patients, 120), "Pune");
});
