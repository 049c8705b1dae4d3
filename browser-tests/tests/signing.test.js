// The first start, signing in and out, and where one is signed in.
import assert from "node:assert/strict";
import { scene } from "../stage/scene.js";

const EMAIL = "asha@example.com";
const PASSWORD = "four calm green lamps";

const makeFirst = async (visitor) => {
  await visitor.open("/");
  assert.equal(visitor.path(), "/start");
  await visitor.makeFirst(EMAIL, PASSWORD);
  await visitor.page.waitForURL((url) => url.pathname !== "/start");
};

scene("until there is an administrator every page leads to the first start", async (stage) => {
  const service = await stage.service();
  const visitor = await stage.visitor(service);
  for (const path of ["/", "/connectors", "/requests?q=asha", "/sign-in", "/account"]) {
    await visitor.open(path);
    assert.equal(visitor.path(), "/start");
  }
  await makeFirst(visitor);
  await visitor.sees(EMAIL);
  // Nobody becomes a first administrator twice.
  await visitor.open("/start");
  assert.notEqual(visitor.path(), "/start");
  const other = await stage.visitor(service);
  await other.open("/start");
  assert.match(other.path(), /^\/sign-in/);
});

scene("a wrong password, the right one, and out again", async (stage) => {
  const service = await stage.service();
  await service.run(["user", "add", EMAIL], PASSWORD);
  const visitor = await stage.visitor(service);
  await visitor.open("/requests?job_status=failure");
  assert.match(visitor.path(), /^\/sign-in/, "who is not signed in is asked to");

  visitor.foresee(/status of 4\d\d/);
  await visitor.signIn(EMAIL, "not the password");
  const wrong = visitor.page.getByRole("alert");
  const told = await wrong.innerText();
  assert.equal(await visitor.field("Email").inputValue(), EMAIL, "what was typed is kept");
  assert.equal(await visitor.field("Password").inputValue(), "", "but for the password");

  // Nobody learns who has an account here.
  visitor.foresee(/status of 4\d\d/);
  await visitor.signIn("nobody@example.com", "not the password");
  await visitor.page.waitForFunction(() => document.getElementById("email")?.value === "nobody@example.com");
  assert.equal(await wrong.innerText(), told);

  await visitor.signIn(EMAIL, PASSWORD);
  await visitor.page.waitForURL("**/requests?job_status=failure");
  const cookie = (await visitor.context.cookies()).find(({ name }) => name.endsWith("session"));
  assert.equal(cookie.httpOnly, true);
  assert.match(cookie.sameSite, /^(Lax|Strict)$/);
  assert.equal(await visitor.page.evaluate(() => document.cookie), "", "scripts see no session");

  await visitor.signOut();
  await visitor.open("/account");
  assert.match(visitor.path(), /^\/sign-in/);
  // The cookie of before is worth nothing.
  await visitor.context.addCookies([cookie]);
  await visitor.open("/account");
  assert.match(visitor.path(), /^\/sign-in/);
});

scene("who guesses passwords has to wait, even with the right one", async (stage) => {
  const service = await stage.service();
  await service.run(["user", "add", EMAIL], PASSWORD);
  const visitor = await stage.visitor(service);
  await visitor.open("/sign-in");
  const alert = visitor.page.getByRole("alert");
  let told = "";
  for (let guesses = 0; guesses < 10 && !/wait|again in/i.test(told); guesses += 1) {
    visitor.foresee(/status of 4\d\d/);
    await visitor.field("Email").fill(EMAIL);
    await visitor.field("Password").fill(`guess ${guesses}`);
    await Promise.all([visitor.page.waitForResponse((answer) => answer.request().method() === "POST"), visitor.button("Sign in").click()]);
    told = await alert.innerText();
  }
  assert.match(told, /wait|again in/i);
  visitor.foresee(/status of 4\d\d/);
  await visitor.field("Email").fill(EMAIL);
  await visitor.field("Password").fill(PASSWORD);
  const [answer] = await Promise.all([visitor.page.waitForResponse((one) => one.request().method() === "POST"), visitor.button("Sign in").click()]);
  assert.equal(answer.status(), 429);
  await visitor.open("/account");
  assert.match(visitor.path(), /^\/sign-in/);
});

scene("a session in another browser can be ended", async (stage) => {
  const service = await stage.service();
  await service.run(["user", "add", EMAIL], PASSWORD);
  const desk = await stage.visitor(service);
  const phone = await stage.visitor(service);
  for (const visitor of [desk, phone]) {
    await visitor.open("/sign-in");
    await visitor.signIn(EMAIL, PASSWORD);
    await visitor.isIn();
  }
  await desk.open("/account");
  await desk.sees("(this session)");
  const ends = desk.page.getByRole("button", { name: /^End the session in/ });
  assert.equal(await ends.count(), 2);
  await desk.button("End all other sessions").click();
  await desk.page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await phone.open("/connectors");
  assert.match(phone.path(), /^\/sign-in/);
  await desk.open("/connectors");
  assert.equal(desk.path(), "/connectors");
});
