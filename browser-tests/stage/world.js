// What there is to look at: services in which nothing, little or much has happened.
import { code } from "./authenticator.js";
import { DESKTOP } from "./browser.js";
import { until } from "./waiting.js";

export const ADMINISTRATOR = "asha@example.com";
export const OPERATOR = "vikram@example.com";
export const VIEWER = "nadia@example.com";
export const PASSWORD = "four calm green lamps";

/** How long a session is shared: what changes people or accounts needs one whose password was given a
 * short while ago. */
const SHARED = 5 * 60_000;

/** A visitor who is signed in; all of the same person in the same service share a session. */
export const signedIn = async (stage, service, { as = ADMINISTRATOR, ...how } = {}) => {
  service.sessions ??= new Map();
  if (!(service.sessions.get(as)?.until > Date.now())) {
    const first = await stage.visitor(service, { agent: how.agent, screen: DESKTOP });
    await first.open("/sign-in");
    await first.signIn(as, PASSWORD);
    await first.isIn();
    service.sessions.set(as, { cookies: await first.context.cookies(), until: Date.now() + SHARED });
  }
  return stage.visitor(service, { ...how, cookies: service.sessions.get(as).cookies });
};

/** Nobody was there yet. */
export const fresh = (stage) => stage.service();

/** There is an administrator, an operator and a viewer, and nothing else. */
export const bare = async (stage) => {
  const service = await stage.service();
  await service.run(["user", "add", ADMINISTRATOR], PASSWORD);
  await service.run(["user", "add", OPERATOR, "--role", "operator"], PASSWORD);
  await service.run(["user", "add", VIEWER, "--role", "viewer"], PASSWORD);
  return service;
};

/** Somebody with a second factor. */
export const GUARDED = "leela@example.com";

/** The same, with somebody who has a second factor, and an invite. */
export const guarded = async (stage) => {
  const service = await bare(stage);
  await service.run(["user", "add", GUARDED], PASSWORD);
  const visitor = await signedIn(stage, service, { as: GUARDED });
  await visitor.open("/account");
  await visitor.button("Set up a second factor").click();
  await visitor.field("Code").fill(code(await visitor.field("Key").inputValue()));
  await visitor.button("Turn on").click();
  await visitor.sees("Keep these recovery codes now");
  const { link } = await service.call("POST", "invites", { email: "meera@example.com", role: "operator" });
  service.invite = new URL(link).pathname;
  return service;
};

const account = (name, { host, accessKey, secretKey }) => `
[[account]]
name = "${name}"
host = "${host}"
access_key = "${accessKey}"
secret_key = "${secretKey}"
plan = "super"
`;

const connector = (source, destination, more = "") => `
[[connector]]
name = "${source}-to-${destination}"
source = "${source}"
destination = "${destination}"
${more}`;

const KEYS = `
[connector.basic]
search_by = "EmailAddress"
secondary_search_by = "Phone"
default_country_code = "IN"
time_zone = "Asia/Kolkata"
`;

/** Two accounts and a connector each way, to which nothing posts. */
export const paired = async (stage) => {
  const service = await bare(stage);
  const { accounts: [sales, patients, archive] } = await stage.sandbox(3);
  Object.assign(service, { sales, patients, archive });
  const file = [
    account("sales", sales), account("patients", patients), account("archive", archive),
    connector("sales", "patients", `enabled = true${KEYS}`), connector("patients", "sales", `enabled = true${KEYS}`),
    connector("sales", "archive"),
  ].join("");
  await service.apply(file);
  return service;
};

/** The same, with the automations that post to them. */
export const connected = async (stage) => {
  const service = await paired(stage);
  const { sales, patients } = service;
  service.url = (await service.run(["connector", "url", "sales-to-patients"])).trim();
  const back = (await service.run(["connector", "url", "patients-to-sales"])).trim();
  for (const [account, url] of [[sales, service.url], [patients, back]]) {
    for (const trigger of ["new_lead", "lead_update", "new_activity"]) await account.addAutomation(trigger, url);
  }
  return service;
};

/** Tries all failed ones of this connector again; answers the number of the retry once it is over. */
const retried = async (service, connector) => {
  const { batch } = await service.call("POST", "retry", { filter: { connector } });
  await requests(service, 0);
  return batch;
};

/** Waits until so many requests came and all are at rest; answers them, newest first. */
export const requests = async (service, count, longest) => {
  let items = [];
  const atRest = async () => {
    items = await service.ask("logs", "--limit", "200");
    return items.length >= count && items.every((item) => ["success", "failure"].includes(item.job_status));
  };
  const seen = () => `of which there were ${JSON.stringify(items.map(({ job_status, records }) => [job_status, records]))}`;
  await until(`${count} requests at rest`, atRest, seen, longest);
  return items;
};

const PEOPLE = [
  ["Asha", "Nair", "9812345670", "Pune"], ["Imran", "Khan", "9823456781", "Hyderabad"],
  ["Zoë", "Müller", "+49 30 90012345", "Berlin"], ["Lakshmi", "Iyer", "9834567892", "Chennai"],
  ["Siobhán", "O'Brien", "+353 1 678 1234", "Dublin"], ["Carlos", "Martinez", "+1 (512) 555-0147", "Austin"],
];

/** A morning's work: leads that were made and changed, some that failed. */
export const busy = async (stage) => {
  const service = await connected(stage);
  let count = 0;
  // Each change is let come to rest before the next, so that the log is in the same order each time.
  const more = async (requestsMore) => { count += requestsMore; return requests(service, count); };
  const ids = [];
  for (const [FirstName, LastName, Phone, City] of PEOPLE) {
    const EmailAddress = `${FirstName}.${LastName}@example.com`.normalize("NFD").replace(/[^\w.@]/g, "").toLowerCase();
    ids.push(await service.sales.createLead({ FirstName, LastName, EmailAddress, Phone, mx_City: City }));
    await more(2);
  }
  await service.sales.createLead({ FirstName: "Nobody", LastName: "Reachable", mx_City: "Kochi" });
  await more(1);
  await fetch(service.url, { method: "POST", body: '{"ProspectID": "cut off in the mid' });
  const [unreadable, keyless] = await more(1);
  await service.sales.editLead(ids[0], { ProspectStage: "Qualified", mx_City: "Mumbai" });
  const [updated] = await more(1);
  const all = await requests(service, count);
  const created = all.find((item) => item.records[0]?.event === "new");
  const batch = await retried(service, "sales-to-patients");
  service.known = { unreadable, keyless, updated, created, batch, lead: ids[0] };
  return service;
};

/** Leads that fail because the destination does not list their plan. */
export const refused = async (stage) => {
  const service = await bare(stage);
  const { accounts: [sales, patients] } = await stage.sandbox();
  Object.assign(service, { sales, patients });
  const strict = '[connector.lead]\nunlisted_option = "refuse"\n';
  await service.apply(account("sales", sales) + account("patients", patients) + connector("sales", "patients", `enabled = true${KEYS}${strict}`));
  await sales.addAutomation("new_lead", (await service.run(["connector", "url", "sales-to-patients"])).trim());
  service.leads = ["Premium plan", "Gold", "Premium plan", "Premium plan"].map((plan, number) => ({ plan, email: `plan${number}@example.com` }));
  for (const { plan, email } of service.leads) await sales.createLead({ FirstName: "Asha", EmailAddress: email, mx_Plan: plan });
  const all = await requests(service, service.leads.length);
  const failed = all.filter(({ job_status }) => job_status === "failure").length;
  if (failed !== service.leads.length) throw new Error(`${failed} of the leads failed: ${JSON.stringify(all)}`);
  return service;
};

/** A lead of which it is not plain who it is: each of its keys finds another lead. */
export const undecided = async (stage) => {
  const service = await connected(stage);
  const { archive, sales } = service;
  await service.apply(connector("sales", "archive", `enabled = true${KEYS}`));
  await sales.addAutomation("new_lead", (await service.run(["connector", "url", "sales-to-archive"])).trim());
  const [EmailAddress, Phone] = ["asha.nair@example.com", "+91-9812345670"];
  const byEmail = await archive.createLead({ FirstName: "Asha", LastName: "Nair", EmailAddress, mx_City: "Pune", Company: "Acme" });
  const byPhone = await archive.createLead({ FirstName: "A.", LastName: "Nayar", Phone, mx_City: "Mumbai" });
  await sales.createLead({ FirstName: "Asha", LastName: "Nair", EmailAddress, Phone, mx_City: "Pune" });
  await requests(service, 3);
  Object.assign(service, { byEmail, byPhone });
  return service;
};

/** A lead that the account refuses, because another one has its phone number, by which leads are not matched. */
export const duplicated = async (stage) => {
  const service = await connected(stage);
  const { archive, sales } = service;
  const byEmail = "enabled = true\n[connector.basic]\ndefault_country_code = \"IN\"\n";
  await service.apply(connector("sales", "archive", byEmail));
  await sales.addAutomation("new_lead", (await service.run(["connector", "url", "sales-to-archive"])).trim());
  const Phone = "+91-9812345670";
  service.holder = await archive.createLead({ FirstName: "Ashish", Phone });
  await sales.createLead({ FirstName: "Asha", LastName: "Nair", EmailAddress: "asha.nair@example.com", Phone });
  return service;
};

/** What somebody might write into a form on a web site that makes leads. */
export const ATTACKS = [
  "<script>window.attacked = 1; alert('attacked')</script>",
  "\"><img src=x onerror=\"window.attacked=1\">",
  "' autofocus onfocus='window.attacked=1' x='",
  "</pre></textarea></title><svg onload=window.attacked=1>",
  "javascript:window.attacked=1//attacked",
  "{{ 7919 * 7919 }}{% include 'layout.html' %}${7919*7919}<%= 7919*7919 %>",
  "<!-- <iframe src=javascript:window.attacked=1> --><style>*{display:none}</style>",
  "\u202Egnp.exe\u202C\u2066\u200B\u200F attacked by direction",
  "attacked\u0000by\u0000NUL\u0007\u001B[31m",
  `attacked${"W".repeat(180)}`,
  "&lt;script&gt;attacked&lt;/script&gt; &amp;amp; &#60;b&#62;",
  "http://attacker.example/<script src=//attacker.example/x.js></script>",
];
export const ATTACKING_AGENT = "Mozilla/5.0 \"><img src=x onerror=window.attacked=1> ' onclick=window.attacked=1 (attacked)";
const ATTACKING_EMAIL = "\"><img/src=x/onerror=window.attacked=1>{{7919*7919}}@attacker.example";
/** The kinds of fields that take any text, and those that should be one of the options. */
const TEXTS = ["Text", "TextArea", "Website", "Product", "GeoLocation", "Country", "TimeZone", "File"];
const LISTED = ["Select", "SearchableDropdown", "LargeOptionSet", "MultiSelect"];

/** A lead with an attack in every field of these kinds that people can fill. */
const attacking = async (account, kinds) => {
  const fields = await account.ask("LeadManagement.svc/LeadsMetaData.Get", {});
  const form = await (await fetch(`${account.host}/leads/new`)).text();
  const filled = fields.filter(({ SchemaName, DataType }) => kinds.includes(DataType) && form.includes(`name="${SchemaName}"`));
  const values = filled.map(({ SchemaName, MaxLength }, number) => [SchemaName, ATTACKS[number % ATTACKS.length].slice(0, Number(MaxLength) || 200)]);
  return Object.fromEntries(values);
};

/** Every lead is an attack: two that were made in the account, and posts that no account would send. */
export const hostile = async (stage) => {
  const service = await connected(stage);
  const { sales } = service;
  await sales.createLead({ ...await attacking(sales, [...TEXTS, ...LISTED]), EmailAddress: `refused${ATTACKING_EMAIL}` });
  const [refused] = await requests(service, 1);
  service.attacked = { ...await attacking(sales, TEXTS), EmailAddress: ATTACKING_EMAIL, Phone: "9812345670" };
  await sales.createLead(service.attacked);
  const all = await requests(service, 3);
  const created = all.find((item) => item.records[0]?.event === "new");
  const echo = all.find((item) => item.connector === "patients-to-sales");
  const every = Object.fromEntries(ATTACKS.map((attack, number) => [attack, ATTACKS[(number + 1) % ATTACKS.length]]));
  const names = Object.fromEntries(Object.keys(service.attacked).map((name, number) => [name, ATTACKS[number % ATTACKS.length]]));
  service.payload = JSON.stringify({ Before: {}, After: { ...names, ...every }, Current: { ...names, ...every } });
  for (const body of [service.payload, ATTACKS.join("\n")]) await fetch(service.url, { method: "POST", body });
  const [unreadable] = await requests(service, 5);
  const batch = await retried(service, "sales-to-patients");
  service.known = { unreadable, keyless: refused, updated: echo, created, batch, lead: created.records[0].source_id };
  return service;
};
