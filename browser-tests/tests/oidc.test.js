// Signing in with an OpenID Connect provider.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../stage/program.js";
import { CLIENT_SECRET, OpenIdProvider } from "../stage/provider.js";
import { scene } from "../stage/scene.js";
import { ADMINISTRATOR, PASSWORD } from "../stage/world.js";

const ROLES = { LEADSYNC_OIDC_ADMINISTRATORS: "crm-admins, it", LEADSYNC_OIDC_VIEWERS: "staff" };
const WITH = "Sign in with Example Care";

/** A service with a provider, where Asha has a password. */
const hosted = async (stage, more = ROLES) => {
  const provider = await stage.keep(OpenIdProvider.start());
  const secret = join(newFolder(), "client-secret");
  writeFileSync(secret, `${CLIENT_SECRET}\n`);
  const service = await stage.service(provider.settings(secret, more));
  provider.serves(service);
  await service.run(["user", "add", ADMINISTRATOR], PASSWORD);
  return { provider, service };
};

const come = async (stage, { provider, service }, how) => {
  const visitor = await stage.visitor(service, how);
  visitor.origins.push(provider.issuer);
  return visitor;
};

/** Gives the provider this account. */
const enter = async (page, account) => {
  await page.getByLabel("Account").fill(account);
  await page.getByRole("button", { name: "Continue" }).click();
};

for (const javaScript of [true, false]) {
  scene(`a person of the provider becomes a user, with the role of their group${javaScript ? "" : ", without JavaScript"}`, async (stage) => {
    const house = await hosted(stage);
    house.provider.people.set("m1", { email: "Meera@Example.com", email_verified: true, groups: ["staff", "it"] });
    const visitor = await come(stage, house, { javaScript });
    await visitor.open("/audit?access=yes");
    assert.match(visitor.path(), /^\/sign-in/);
    if (javaScript) assert.deepEqual(await visitor.faults(), []);
    await visitor.link(WITH).click();
    await enter(visitor.page, "m1");
    await visitor.page.waitForURL(`${house.service.base}/audit?access=yes`);
    await visitor.isIn();
    const audit = await visitor.page.locator("main table").innerText();
    for (const told of ["added the user", "linked an identity with", "signed in as"]) assert.ok(audit.includes(told), audit);
    await visitor.open("/account");
    await visitor.sees("You sign in with your organisation's account");
    assert.equal(await visitor.field("Current password").count(), 0);
    await visitor.open("/people");
    await visitor.sees("from the provider");
    if (javaScript) assert.deepEqual(await visitor.faults(), []);
  });
}

scene("what needs the password again needs the provider again, and what was entered stays", async (stage) => {
  const house = await hosted(stage);
  house.provider.people.set("m1", { email: "meera@example.com", email_verified: true, groups: ["it"] });
  house.provider.people.set("other", { email: "other@example.com", email_verified: true, groups: ["it"] });
  const visitor = await come(stage, house);
  await visitor.open("/sign-in");
  await visitor.link(WITH).click();
  await enter(visitor.page, "m1");
  await visitor.isIn();
  await visitor.open("/people");
  await visitor.page.getByText("New token", { exact: true }).click();
  await visitor.field("Name").fill("reports");
  await visitor.button("Create token").click();
  await visitor.page.getByRole("heading", { name: "Sign in again" }).waitFor();
  assert.deepEqual(await visitor.faults(), []);
  const again = async (account) => {
    const opened = visitor.context.waitForEvent("page");
    await visitor.link("Sign in again with Example Care").click();
    const tab = await opened;
    await enter(tab, account);
    return tab;
  };
  // Without it, the same page comes again.
  await visitor.button("Continue").click();
  await visitor.page.getByRole("heading", { name: "Sign in again" }).waitFor();
  visitor.foresee(/status of 403/);
  const wrong = await again("other");
  await wrong.getByText("You are signed in to leadsync as somebody else").waitFor();
  await wrong.close();
  const tab = await again("m1");
  await tab.getByRole("heading", { name: "Confirmed" }).waitFor();
  await tab.close();
  await visitor.button("Continue").click();
  await visitor.sees("Token reports created.");
});

scene("who loses the role at the provider is out, and gets in again with another", async (stage) => {
  const house = await hosted(stage);
  const { people } = house.provider;
  people.set("v1", { email: "vikram@example.com", email_verified: true, groups: ["staff"] });
  const first = await come(stage, house);
  await first.open("/sign-in");
  await first.link(WITH).click();
  await enter(first.page, "v1");
  await first.isIn();
  await first.open("/people", 403);
  const signIn = async () => {
    const visitor = await come(stage, house);
    await visitor.open("/sign-in");
    await visitor.link(WITH).click();
    await enter(visitor.page, "v1");
    return visitor;
  };
  people.get("v1").groups = ["staff-of-another-house"];
  const second = await come(stage, house);
  second.foresee(/status of 403/);
  await second.open("/sign-in");
  await second.link(WITH).click();
  await enter(second.page, "v1");
  await second.sees("You have no access to leadsync.");
  assert.deepEqual(await second.faults(), []);
  await first.open("/requests");
  assert.match(first.path(), /^\/sign-in/, "the session ended");
  // The person, not the address, is known.
  Object.assign(people.get("v1"), { groups: ["it"], email: "vikram.rao@example.com" });
  const third = await signIn();
  await third.isIn();
  await third.open("/people");
  const row = third.page.locator("main tr", { hasText: "vikram@example.com" });
  assert.equal(await row.getByRole("combobox").inputValue(), "administrator");
  assert.equal((await third.text()).includes("vikram.rao@example.com"), false);
});

scene("an address that is not verified, or was given to somebody else, opens nobody's account", async (stage) => {
  const house = await hosted(stage);
  const { people } = house.provider;
  people.set("stranger", { email: ADMINISTRATOR, email_verified: false, groups: ["staff"] });
  people.set("asha", { email: ADMINISTRATOR, email_verified: true, groups: ["staff"] });
  people.set("heir", { email: ADMINISTRATOR, email_verified: true, groups: ["it"] });
  const attempt = async (account) => {
    const visitor = await come(stage, house);
    visitor.foresee(/status of 403/);
    await visitor.open("/sign-in");
    await visitor.link(WITH).click();
    await enter(visitor.page, account);
    return visitor;
  };
  const stranger = await attempt("stranger");
  await stranger.sees("does not report a verified email address");
  const asha = await come(stage, house);
  await asha.open("/sign-in");
  await asha.link(WITH).click();
  await enter(asha.page, "asha");
  await asha.isIn();
  // Whoever was added here keeps the role from here.
  await asha.open("/people");
  const heir = await attempt("heir");
  await heir.sees("belongs to another person at Example Care");
  await asha.open("/audit?access=yes");
  const audit = await asha.page.locator("main table").innerText();
  assert.match(audit, /somebody\sfailed to sign in as asha@example.com/);
});

scene("cancelled, begun elsewhere, and a provider that is away", async (stage) => {
  const house = await hosted(stage, {});
  const { provider, service } = house;
  provider.people.set("new", { email: "new@example.com", email_verified: true });
  const visitor = await come(stage, house);
  visitor.foresee(/status of 401/);
  await visitor.open("/sign-in");
  await visitor.link(WITH).click();
  await visitor.button("Cancel").click();
  await visitor.sees("Example Care reports that access was denied.");
  visitor.foresee(/status of 403/);
  await visitor.link(WITH).click();
  await enter(visitor.page, "new");
  await visitor.sees("There is no user new@example.com in leadsync.");

  // A code that somebody else's browser brought along, and one that the provider never gave.
  const victim = await come(stage, house);
  await victim.open("/sign-in/oidc/callback?code=x&state=y", 400);
  await victim.sees("This sign-in began in another browser");
  await victim.open("/sign-in");
  await victim.link(WITH).click();
  const { searchParams } = new URL(victim.page.url(), provider.issuer);
  assert.equal(searchParams.size, 0, "the provider leads to its own page");
  const [cookie] = (await victim.context.cookies()).filter(({ name }) => name === "leadsync_attempt");
  assert.ok(cookie.httpOnly);

  await provider.end();
  const late = await come(stage, house);
  await late.open("/sign-in");
  await late.signIn(ADMINISTRATOR, PASSWORD);
  await late.isIn();
  assert.equal(late.path(), "/", "passwords still do");
  assert.ok(!service.process.said.includes(CLIENT_SECRET));
});
