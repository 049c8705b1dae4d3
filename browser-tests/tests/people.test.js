// Inviting people, and what signing in takes besides a password.
import assert from "node:assert/strict";
import { code } from "../stage/authenticator.js";
import { scene } from "../stage/scene.js";
import { ADMINISTRATOR, PASSWORD, bare, signedIn } from "../stage/world.js";

const NEWCOMER = "meera@example.com";
const OWN = "three old paper boats";

const invite = async (visitor, email, role) => {
  await visitor.open("/people");
  await visitor.page.getByText("Invite a user").click();
  await visitor.page.locator("#invite_email").fill(email);
  await visitor.page.locator("#invite_role").selectOption(role);
  await visitor.button("Invite").click();
  return visitor.page.getByLabel("The link of the invite").inputValue();
};

for (const javaScript of [true, false]) {
  scene(`an invited person chooses a password and is in${javaScript ? "" : ", without JavaScript"}`, async (stage) => {
    const service = await bare(stage);
    const administrator = await signedIn(stage, service, { javaScript });
    const { page } = administrator;
    const link = await invite(administrator, NEWCOMER, "viewer");
    await administrator.sees("Email is not configured: send them this link yourself.");
    if (javaScript) assert.deepEqual(await administrator.faults(), []);
    await administrator.open("/people");
    await administrator.sees(NEWCOMER);
    assert.equal(await page.getByLabel("The link of the invite").count(), 0, "it is shown once");

    const newcomer = await stage.visitor(service, { javaScript });
    await newcomer.open(new URL(link).pathname);
    assert.equal(await newcomer.field("Email").inputValue(), NEWCOMER);
    newcomer.foresee(/status of 400/);
    await newcomer.field("Password").fill("password12345");
    await newcomer.button("Set password and sign in").click();
    await newcomer.sees("is easy to guess");
    await newcomer.field("Password").fill(OWN);
    await newcomer.button("Set password and sign in").click();
    await newcomer.isIn();
    await newcomer.open("/people", 403);

    const late = await stage.visitor(service);
    await late.open(new URL(link).pathname, 410);
    await late.sees("This invite was already used");
    await late.open("/sign-in");
    await late.signIn(NEWCOMER, OWN);
    await late.isIn();
  });
}

scene("a second factor is set up, asked for, used once, and turned off", async (stage) => {
  const service = await bare(stage);
  const visitor = await stage.visitor(service);
  const { page } = visitor;
  await visitor.open("/sign-in");
  await visitor.signIn(ADMINISTRATOR, PASSWORD);
  await visitor.isIn();
  await visitor.open("/account");
  await visitor.button("Set up a second factor").click();
  await page.getByRole("img", { name: "QR code with the key" }).waitFor();
  assert.deepEqual(await visitor.faults(), []);
  const key = await visitor.field("Key").inputValue();
  assert.match(await visitor.field("Setup address").inputValue(), /^otpauth:\/\/totp\/leadsync:asha/);
  visitor.foresee(/status of 400/);
  await visitor.field("Code").fill("000000");
  await visitor.button("Turn on").click();
  await visitor.sees("is not the code that the app shows now");
  assert.equal(await visitor.field("Key").inputValue(), key);
  const first = code(key);
  await visitor.field("Code").fill(first);
  await visitor.button("Turn on").click();
  await visitor.sees("Keep these recovery codes now");
  assert.deepEqual(await visitor.faults(), []);
  const [recovery, ...others] = await page.locator(".codes code").allInnerTexts();
  assert.equal(others.length, 9);
  await visitor.link("Done").click();
  await visitor.sees("Recovery codes left: 10.");

  // In another browser the password alone does not do.
  const phone = await stage.visitor(service);
  await phone.open("/audit");
  await phone.signIn(ADMINISTRATOR, PASSWORD);
  await phone.page.waitForURL("**/sign-in/code*");
  assert.deepEqual(await phone.faults(), []);
  await phone.open("/audit");
  assert.match(phone.path(), /^\/sign-in/);
  await phone.open("/sign-in/code?next=%2Faudit");
  phone.foresee(/status of 401/);
  await phone.field("Code").fill(first);
  await phone.button("Sign in").click();
  await phone.sees("The code is wrong or was already used.");
  await phone.field("Code").fill(code(key, 1));
  await phone.button("Sign in").click();
  await phone.page.waitForURL("**/audit");
  assert.match(await phone.page.locator("main table").innerText(), /turned on the second factor of/);

  // Without the app, by a recovery code.
  const found = await stage.visitor(service);
  await found.open("/sign-in");
  await found.signIn(ADMINISTRATOR, PASSWORD);
  await found.field("Code").fill(recovery);
  await found.button("Sign in").click();
  await found.isIn();
  await found.open("/account");
  await found.sees("Recovery codes left: 9.");
  found.willAnswer(true);
  await found.button("Turn off the second factor").click();
  await found.sees("Second factor turned off.");
});
