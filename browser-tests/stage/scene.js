// A test on a stage: whatever it starts ends with it, and when it fails it says what was seen.
import test, { after } from "node:test";
import { Visitor } from "./browser.js";
import { Sandbox, Service } from "./program.js";

const LONGEST = 90_000;

class Stage {
  things = [];
  visitors = [];

  async keep(starting) {
    const thing = await starting;
    this.things.push(thing);
    return thing;
  }

  service(settings) { return this.keep(Service.start(settings)); }
  sandbox(count) { return this.keep(Sandbox.start(count)); }

  async visitor(service, how) {
    const visitor = await this.keep(Visitor.come(service, how));
    this.visitors.push(visitor);
    return visitor;
  }

  async told(title, error) {
    const told = [];
    for (const [number, visitor] of this.visitors.entries()) {
      told.push(await visitor.tell(`${title} ${number + 1}`).catch((what) => `nothing is known of the page: ${what}`));
      told.push(...visitor.complaints);
    }
    told.push(...this.things.filter((thing) => thing.said).map((thing) => `the service said:\n${thing.said.slice(-2000)}`));
    error.message += `\n\n${told.join("\n\n")}`;
    return error;
  }

  async end() {
    for (const thing of this.things.reverse()) await thing.end();
  }
}

/** A test. Every browser in it must have been content to the end. */
export const scene = (title, body) => test(title, { timeout: LONGEST }, async () => {
  const stage = new Stage();
  try {
    await body(stage);
    for (const visitor of stage.visitors) visitor.assertContent();
  } catch (error) {
    throw await stage.told(title, error);
  } finally {
    await stage.end();
  }
});

/** What all scenes of a file share, made when it is first asked for. */
export const shared = (make) => {
  const stage = new Stage();
  let made;
  after(() => stage.end());
  return () => made ??= make(stage);
};
