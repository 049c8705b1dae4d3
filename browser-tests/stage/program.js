// The real binary: the service, emulated accounts, and commands, in folders of their own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./waiting.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARY = process.env.LEADSYNC_BINARY ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/leadsync");
/** What the end of a process may take before it is killed. */
const LONGEST_END = 10_000;

/** The running processes; none of them outlives this process, however that ends. */
const running = new Set();
const folders = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** A new folder, which goes with this process. */
export const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "leadsync-browser-"));
  folders.add(folder);
  return folder;
};

/** A process of the binary. No setting of the surroundings reaches it. */
class Process {
  constructor(folder, args, settings = {}, input = "") {
    this.said = "";
    this.output = "";
    this.code = undefined;
    this.what = `leadsync ${args.join(" ")}`;
    const env = { PATH: process.env.PATH, RUST_BACKTRACE: "0", ...settings };
    this.child = spawn(BINARY, args, { cwd: folder, env, stdio: [input ? "pipe" : "ignore", "pipe", "pipe"] });
    this.child.stdin?.end(input);
    running.add(this.child);
    this.ended = new Promise((resolve) => {
      const end = (code) => { running.delete(this.child); this.code = code; resolve(code); };
      this.child.on("error", (error) => { this.said += error; end(-1); });
      this.child.on("close", (code, signal) => end(code ?? signal));
    });
    this.child.stdout.setEncoding("utf8").on("data", (text) => { this.output += text; });
    this.child.stderr.setEncoding("utf8").on("data", (text) => { this.said += text; });
  }

  /** Why it can't be waited for any longer. */
  assertAlive() {
    if (this.code !== undefined) throw new Error(`${this.what} ended with ${this.code}: ${this.said}`);
  }

  async end() {
    this.child.kill("SIGTERM");
    const killer = setTimeout(() => this.child.kill("SIGKILL"), LONGEST_END);
    await this.ended;
    clearTimeout(killer);
  }
}

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer().once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** `leadsync serve` on SQLite. */
export class Service {
  static async start(settings = {}) {
    const service = new Service();
    service.more = settings;
    service.folder = newFolder();
    await service.serve();
    return service;
  }

  get base() { return `http://${this.address}`; }

  /** The settings of the service and of the commands beside it. */
  get settings() { return { LEADSYNC_LISTEN: this.address, ...this.more }; }

  async serve() {
    // Somebody else may take the port between the look and the start.
    for (let tries = 0; ; tries += 1) {
      const port = await freePort();
      this.address = `127.0.0.1:${port}`;
      this.process = new Process(this.folder, ["serve"], { LEADSYNC_LOG: "info,leadsync::secrets=debug", ...this.settings });
      const ready = () => fetch(`${this.base}/readyz`).then((answer) => answer.ok, () => false);
      await until("the service to be ready", async () => this.process.code !== undefined || ready());
      if (this.process.code === undefined) return;
      if (tries === 5 || !this.process.said.includes("can't listen")) this.process.assertAlive();
    }
  }

  /** Runs a command beside the service; answers what it printed. */
  async run(args, input = "") {
    const command = new Process(this.folder, args, this.settings, input);
    await command.ended;
    if (command.code !== 0) throw new Error(`${command.what} ended with ${command.code}: ${command.said}${command.output}`);
    return command.output;
  }

  /** The same, as JSON. */
  async ask(...args) {
    return JSON.parse(await this.run([...args, "--json"]));
  }

  /** Calls the service's own API, as a script may that administers. */
  async call(method, path, body) {
    this.token ??= (await this.run(["user", "token", "browser-tests", "--scope", "administer"])).trim();
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    const answer = await fetch(`${this.base}/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  /** Makes accounts and connectors be so. */
  async apply(toml) {
    const file = join(this.folder, "sync.toml");
    writeFileSync(file, toml);
    await this.run(["apply", file]);
  }

  get said() { return this.process.said; }

  /** What the first start asks for, from the log. */
  get firstStartCode() { return this.said.match(/first start: .* the code ([a-z0-9-]+)/)[1]; }

  async end() { await this.process.end(); }
}

/** `leadsync sandbox`: emulated accounts. */
export class Sandbox {
  static async start(count = 2) {
    const sandbox = new Sandbox();
    sandbox.process = new Process(newFolder(), ["sandbox", "--accounts", String(count), "--plan", "unlimited", "--json"]);
    await until("the emulated accounts", () => { sandbox.process.assertAlive(); return sandbox.process.output.trimEnd().endsWith("]"); });
    sandbox.accounts = JSON.parse(sandbox.process.output).map((account) => new Account(account));
    return sandbox;
  }

  async end() { await this.process.end(); }
}

/** An emulated account, used as its people do: by its pages. What is asked of it comes by its API. */
class Account {
  constructor({ host, access_key: accessKey, secret_key: secretKey }) {
    Object.assign(this, { host, accessKey, secretKey });
  }

  /** Posts a form; answers where that leads to. */
  async post(path, fields) {
    const answer = await fetch(this.host + path, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
    if (answer.status === 303) return answer.headers.get("location");
    const told = /role="alert">([^]*?)<\/p>/.exec(await answer.text())?.[1];
    throw new Error(`the emulated account did not take ${JSON.stringify(fields)}: ${told ?? answer.status}`);
  }

  async createLead(fields) { return (await this.post("/leads/new", fields)).split("/").pop(); }

  async editLead(id, fields) { await this.post(`/leads/${id}`, fields); }

  /** The user with this address, as the account tells. */
  async user(email) { return (await this.ask("UserManagement.svc/User/Retrieve/ByEmailAddress", { emailAddress: email }))[0]; }

  /** Saves a user of the account: `role`, and `active` and `field` if they are to be yes. */
  async saveUser(email, fields) { await this.post(`/users/${(await this.user(email)).UserId}`, fields); }

  /** Every user of the account. */
  async users() { return this.ask("UserManagement.svc/Users.Get", {}); }

  async addAutomation(trigger, url) { await this.post("/automations", { name: `${trigger} to leadsync`, trigger, url, retries: "3" }); }

  /** Its native webhooks. */
  async webhooks() { return (await this.ask("Webhook.svc/Retrieve", {}, { Paging: { PageIndex: 1, PageSize: 25 } })).Response ?? []; }

  /** Asks by the API: a read by a query, anything else by a body. */
  async ask(operation, query, body) {
    const headers = { "x-LSQ-AccessKey": this.accessKey, "x-LSQ-SecretKey": this.secretKey };
    const how = body ? { method: "POST", body: JSON.stringify(body) } : {};
    const answer = await fetch(`${this.host}/v2/${operation}?${new URLSearchParams(query)}`, { headers, ...how });
    if (!answer.ok) throw new Error(`${operation} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  /** Creates leads, 50 a call, as imports do: no automation runs. Answers their ids. */
  async importLeads(leads) {
    const ids = [];
    for (let at = 0; at < leads.length; at += 50) {
      const rows = leads.slice(at, at + 50).map((fields) => Object.entries(fields).map(([Attribute, Value]) => ({ Attribute, Value })));
      const results = await this.ask("LeadManagement.svc/Lead/Bulk/Create", {}, rows);
      ids.push(...results.map(({ LeadId, ErrorMessage }) => LeadId ?? (() => { throw new Error(ErrorMessage); })()));
    }
    return ids;
  }

  /** Sets a field of many leads, 50 a call, which runs no automation either. */
  async setOfLeads(ids, Attribute, Value) {
    for (let at = 0; at < ids.length; at += 50) {
      await this.ask("LeadManagement.svc/Lead/Bulk/Update", {}, { LeadIds: ids.slice(at, at + 50), LeadFields: { Attribute, Value } });
    }
  }

  /** The leads with this address. */
  async leadsOf(email) { return this.ask("LeadManagement.svc/Leads.GetByEmailaddress", { emailaddress: email }); }
}
