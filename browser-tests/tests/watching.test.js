// The tests' own eyes: what they are to see, they see.
import assert from "node:assert/strict";
import { PHONE } from "../stage/browser.js";
import { scene, shared } from "../stage/scene.js";
import { bare } from "../stage/world.js";
import { until } from "../stage/waiting.js";

const world = shared(bare);

/** A browser that is expected to complain. */
const complaining = async (stage, doing, pattern) => {
  const visitor = await stage.visitor(await world());
  await visitor.open("/sign-in");
  await visitor.page.evaluate(doing);
  await until(`a complaint like ${pattern}`, () => visitor.complaints.some((complaint) => pattern.test(complaint)));
  assert.throws(() => visitor.assertContent());
  visitor.complaints.length = 0;
};

scene("errors of scripts are seen", (stage) => complaining(stage, () => { setTimeout(() => { throw new Error("broken"); }); }, /script: .*broken/));

scene("dialogs are seen", (stage) => complaining(stage, () => { setTimeout(() => window.alert("attacked")); }, /dialog: attacked/));

scene("scripts that the policy stops are seen", (stage) => complaining(stage, () => {
  const script = document.createElement("script");
  script.textContent = "window.attacked = true";
  document.body.append(script);
}, /console: .*Content Security Policy/));

scene("inline styles that the policy stops are seen", (stage) => complaining(stage, () => {
  document.body.insertAdjacentHTML("beforeend", '<p style="color: red">red</p>');
}, /console: .*Content Security Policy/));

scene("pictures from elsewhere are seen", (stage) => complaining(stage, () => {
  document.body.insertAdjacentHTML("beforeend", '<img alt="" src="http://attacker.example/seen.png">');
}, /Content Security Policy|request to elsewhere/));

scene("links that lead elsewhere are seen", (stage) => complaining(stage, () => {
  window.location = "http://127.0.0.1:1/elsewhere";
}, /request to elsewhere: http:\/\/127.0.0.1:1\/elsewhere/));

scene("faults of accessibility are seen, in each theme", async (stage) => {
  const visitor = await stage.visitor(await world());
  await visitor.open("/sign-in");
  assert.deepEqual(await visitor.faults(), []);
  await visitor.page.evaluate(() => {
    document.querySelector("label").remove();
    const pale = document.createElement("p");
    pale.textContent = "Hard to read where the ground is dark";
    pale.style.color = "light-dark(black, #333)";
    document.querySelector("main").append(pale);
  });
  assert.match((await visitor.faults()).join("\n"), /^label: #email/);
  assert.doesNotMatch((await visitor.faults()).join("\n"), /color-contrast/);
  await visitor.page.emulateMedia({ colorScheme: "dark" });
  assert.match((await visitor.faults()).join("\n"), /color-contrast: p/);
});

scene("a page that is too wide is seen", async (stage) => {
  const visitor = await stage.visitor(await world(), { screen: PHONE });
  await visitor.open("/sign-in");
  assert.deepEqual(await visitor.tooWide(), []);
  await visitor.page.evaluate(() => {
    const heading = document.querySelector("h1");
    heading.textContent = "w".repeat(80);
    heading.style.whiteSpace = "nowrap";
  });
  assert.match((await visitor.tooWide()).join("\n"), /px wide[^]*\nh1\. w+/);
});
