// Users of the destination account, who sign in by a link: by role, and by a boolean field.
import assert from "node:assert/strict";
import { scene } from "../stage/scene.js";
import { until } from "../stage/waiting.js";
import { connected, requests, signedIn } from "../stage/world.js";

/** The link that was mailed last; there is no mail server, so it is in the service's log. */
const mailed = async (service, count) => {
  const links = () => [...service.said.matchAll(/\/sign-in\/link\/[0-9a-f]+/g)].map(([path]) => path);
  await until(`${count} links`, () => links().length >= count);
  return links().at(-1);
};

const ask = async (visitor, email) => {
  await visitor.open("/sign-in");
  await visitor.link("Sign in as a LeadSquared user").click();
  await visitor.page.getByLabel("Email").fill(email);
  await visitor.button("Email me a sign-in link").click();
  await visitor.sees("Check your email");
};

/** Signs in by a link; another one than those before. */
const signInByLink = async (service, visitor, email, count) => {
  await ask(visitor, email);
  await visitor.open(await mailed(service, count));
  await visitor.button(`Sign in as ${email}`).click();
  await visitor.isIn();
};

scene("a role lets users of the destination account in, to what it grants and no further", async (stage) => {
  const service = await connected(stage);
  await service.sales.createLead({ FirstName: "Asha", EmailAddress: "asha.nair@example.com" });
  await requests(service, 2);
  const manager = (await service.patients.users()).find(({ Role }) => Role === "Sales_Manager").EmailAddress;
  const admin = await signedIn(stage, service);
  await admin.open("/connectors/sales-to-patients/access");
  await admin.page.getByLabel("Sales Manager").check();
  await admin.button("Save").click();
  await admin.sees("Saved.");
  await admin.sees(manager);
  await admin.page.getByLabel("Check a user of patients").fill(manager);
  await admin.button("Check").click();
  await admin.sees(`${manager} has access to this connector.`);

  const visitor = await stage.visitor(service);
  await signInByLink(service, visitor, manager, 1);
  assert.deepEqual(await visitor.page.locator("nav[aria-label=Pages] a").allTextContents(), ["Overview", "Requests", "Leads", "Reviews", "Connectors", "Backfills", "Compare"]);
  await visitor.open("/connectors");
  await visitor.sees("sales-to-patients");
  assert.equal(await visitor.link("patients-to-sales").count(), 0);
  await visitor.open("/requests");
  assert.equal(await visitor.page.locator("table.log tbody tr").count(), 1);
  await visitor.open("/connectors/patients-to-sales", 403);
  await visitor.sees("You don't have access to this.");
  await visitor.open("/people", 403);
  await visitor.sees("Access denied");
  await visitor.open("/connectors/sales-to-patients");
  await visitor.page.getByText("More actions").click();
  await visitor.button("Disable").click();
  await visitor.sees("Connector disabled. Nothing is synced until it is enabled.");
  await admin.open("/audit");
  await admin.sees(`${manager} (LeadSquared user)`);

  // An administrator sees who is in, and ends it.
  await admin.open("/people");
  await admin.button(`Sign ${manager} out`).click();
  await admin.sees("Signed out everywhere.");
  await visitor.open("/requests");
  assert.match(visitor.path(), /^\/sign-in/);
});

scene("a boolean field of the user lets in whom it says yes of", async (stage) => {
  const service = await connected(stage);
  const user = (await service.patients.users()).find(({ Role }) => Role === "Sales_User").EmailAddress;
  const admin = await signedIn(stage, service);
  await admin.open("/connectors/sales-to-patients/access");
  await admin.page.getByLabel("Advanced (User Level)").check();
  await admin.page.getByLabel("Yes/No user field").fill("mx_Custom_1");
  await admin.button("Save").click();
  await admin.sees("Saved.");
  await admin.page.getByLabel("Check a user of patients").fill(user);
  await admin.button("Check").click();
  await admin.sees(`${user} does not have access to this connector.`);
  await service.patients.saveUser(user, { role: "Sales_User", active: "yes", field: "yes" });
  await admin.button("Check").click();
  await admin.sees(`${user} has access to this connector.`);
  const visitor = await stage.visitor(service);
  await signInByLink(service, visitor, user, 1);
  await visitor.open("/account");
  await visitor.sees("You are signed in as a LeadSquared user");
  // The administrator of the account needs neither a role nor the field.
  const head = (await service.patients.users()).find(({ Role }) => Role === "Administrator").EmailAddress;
  const other = await stage.visitor(service);
  await signInByLink(service, other, head, 2);
  // A link works once.
  const third = await stage.visitor(service);
  await third.open(await mailed(service, 2), 410);
  await third.sees("This link was already used or has expired.");
});

scene("users are added, made administrators and removed; a token is made and works", async (stage) => {
  const service = await connected(stage);
  const admin = await signedIn(stage, service);
  const { page } = admin;
  await admin.open("/people");
  await page.getByText("Add a user").click();
  await page.getByLabel("Email", { exact: true }).fill("meera@example.com");
  await page.getByLabel("Password", { exact: true }).fill("another calm green lamp");
  await admin.button("Add user").click();
  await admin.sees("Added.");
  const meera = await stage.visitor(service);
  await meera.open("/sign-in");
  await meera.signIn("meera@example.com", "another calm green lamp");
  await meera.isIn();
  assert.equal(await meera.link("Users & tokens").count(), 0);
  await admin.field("Role of meera@example.com").selectOption("administrator");
  await admin.button("Set the role of meera@example.com").click();
  await admin.sees("Saved.");
  await meera.open("/");
  assert.equal(await meera.link("Users & tokens").count(), 1);
  admin.willAnswer(true);
  await admin.button("Remove meera@example.com").click();
  await admin.sees("Removed.");
  await meera.open("/");
  assert.match(meera.path(), /^\/sign-in/);

  await page.getByText("New token").click();
  await admin.field("Name").fill("report");
  await admin.button("Create token").click();
  await admin.sees("Copy it now");
  const token = await page.getByLabel("The new token").inputValue();
  const answer = await fetch(`${service.base}/api/v1/requests`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  await admin.open("/audit");
  await page.locator("td", { hasText: "created the token report" }).waitFor();
  await admin.field("Action").selectOption("set_role");
  await admin.button("Apply").click();
  await page.getByText("1 change").click();
  await page.getByText("now administrator (was operator)").waitFor();
});
