// A person with a real browser, which complains about what must never happen.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { until } from "./waiting.js";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  // Whatever the browser itself would like to ask, no name leads anywhere.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
const FAILURES = fileURLToPath(new URL("../failures/", import.meta.url));
/** How much of a page's text a failure tells. */
const MOST_TOLD = 1500;

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 375, height: 740 };

let launched;
// The user-data folder is a new one each time, and goes with the browser.
const browser = () => launched ??= chromium.launch({ executablePath: CHROMIUM, headless: true, chromiumSandbox: false, args: FLAGS });
after(async () => { await (await launched)?.close(); });

/** A person at a browser of their own. */
export class Visitor {
  static async come(service, { screen = DESKTOP, cookies = [], zone = "Asia/Kolkata", agent, javaScript = true } = {}) {
    const visitor = new Visitor();
    visitor.service = service;
    visitor.complaints = [];
    visitor.foreseen = [];
    visitor.origins = [service.base];
    visitor.answers = [];
    visitor.dialogs = [];
    visitor.context = await (await browser()).newContext({
      baseURL: service.base, viewport: screen, timezoneId: zone, locale: "en-IN", reducedMotion: "reduce",
      userAgent: agent, javaScriptEnabled: javaScript, permissions: ["clipboard-read", "clipboard-write"],
    });
    visitor.context.setDefaultTimeout(10_000);
    await visitor.context.addCookies(cookies);
    visitor.watch();
    visitor.page = await visitor.context.newPage();
    return visitor;
  }

  watch() {
    const complain = (text) => {
      const known = this.foreseen.findIndex((pattern) => pattern.test(text));
      if (known < 0) this.complaints.push(text); else this.foreseen.splice(known, 1);
    };
    this.context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complain(`console: ${message.text()} (${message.location().url})`);
    });
    this.context.on("weberror", (error) => complain(`script: ${error.error()}`));
    this.context.on("request", (request) => {
      if (!this.origins.includes(new URL(request.url()).origin)) complain(`request to elsewhere: ${request.url()}`);
    });
    this.context.on("dialog", async (dialog) => {
      const answer = this.answers.shift();
      if (answer === undefined) complain(`dialog: ${dialog.message()}`);
      this.dialogs.push(dialog.message());
      await (answer ? dialog.accept() : dialog.dismiss());
    });
  }

  /** The next dialog is expected, and answered so. */
  willAnswer(yes) { this.answers.push(yes); }

  /** A complaint like this is part of the test. */
  foresee(pattern) { this.foreseen.push(pattern); }

  /** Goes to a page, which must answer so. */
  async open(path, status = 200) {
    if (status >= 400) this.foresee(new RegExp(`status of ${status}`));
    const answer = await this.page.goto(path);
    assert.equal(answer.status(), status, `the status of ${path}`);
    return this;
  }

  path() { const url = new URL(this.page.url()); return url.pathname + url.search; }

  field(label) { return this.page.getByLabel(label, { exact: true }); }
  button(name) { return this.page.getByRole("button", { name, exact: true }); }
  link(name) { return this.page.getByRole("link", { name, exact: true }); }

  /** What leads to a request. */
  request({ id }) { return this.page.locator(`main a[href="/requests/${id}"]`).first(); }

  /** The text of the page as people see it. */
  async text() { return this.page.locator("body").innerText(); }

  /** Waits until the page says so. */
  async sees(text) { await this.page.getByText(text).first().waitFor(); }

  /** Loads the page again until it says so. */
  async seesInTime(text) {
    const shown = async () => (await this.page.getByText(text).count()) > 0 || (await this.page.reload(), false);
    await until(`the page to say ${text}`, shown);
  }

  async signIn(email, password) {
    await this.field("Email").fill(email);
    await this.field("Password").fill(password);
    await this.button("Sign in").click();
  }

  /** Makes the first administrator. */
  async makeFirst(email, password) {
    await this.field("Code").fill(this.service.firstStartCode);
    await this.field("Email").fill(email);
    await this.field("Password").fill(password);
    await this.button("Create administrator").click();
  }

  /** Waits until a page of somebody who is signed in is there. */
  async isIn() { await this.page.getByRole("navigation", { name: "Pages", exact: true }).waitFor(); }

  /** Opens the menu of the user. */
  async openUserMenu() { await this.page.locator(".side .me > summary").click(); }

  async signOut() {
    await this.openUserMenu();
    await this.button("Sign out").click();
    await this.page.waitForURL("**/sign-in*");
  }

  /** What axe-core finds wrong with the page as it is, a line each. It is put in as a debugger does,
   * which no content-security policy forbids, so that the page runs under its own. */
  async faults() {
    if (!await this.page.evaluate(() => "axe" in window)) await this.page.evaluate(AXE);
    const options = { runOnly: RULES, resultTypes: ["violations"], preload: false };
    const { violations } = await this.page.evaluate((given) => window.axe.run(document, given), options);
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary.replace(/\s+/g, " ")}`));
  }

  /** What is wider than the screen, so that the page scrolls sideways. */
  async tooWide() {
    return this.page.evaluate(() => {
      const { clientWidth, scrollWidth } = document.documentElement;
      if (scrollWidth <= clientWidth) return [];
      // What sticks out itself, or whose text does.
      const end = (one) => one.getBoundingClientRect().left + Math.max(one.getBoundingClientRect().width, one.scrollWidth);
      const scrolls = (one) => getComputedStyle(one).overflowX !== "visible";
      const wide = [...document.querySelectorAll("body *")].filter((one) => end(one) > clientWidth + 0.5 && !scrolls(one) && !one.parentElement.closest("pre"));
      return [`the page is ${scrollWidth} px wide`, ...wide.slice(-5).map((one) => `${one.tagName.toLowerCase()}.${one.className} ${one.textContent.trim().slice(0, 40)}`)];
    });
  }

  /** Leaves a picture of the page, and says what is on it. */
  async tell(title) {
    if (this.page.isClosed()) return "the page is closed";
    mkdirSync(FAILURES, { recursive: true });
    const file = join(FAILURES, `${title.replace(/[^a-z0-9]+/gi, "-")}.png`);
    await this.page.screenshot({ path: file, fullPage: true });
    return `at ${this.page.url()}, shown in ${file}, the page said:\n${(await this.text()).slice(0, MOST_TOLD)}`;
  }

  assertContent() { assert.deepEqual(this.complaints, [], "what the browser complained about"); }

  async end() { await this.context.close(); }
}
