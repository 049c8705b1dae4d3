// Every page of the console, and how one comes to it. What is to hold for all pages is tested by
// going through this list; `tests/pages.test.js` sees to it that no page is missing.

import { GUARDED, PASSWORD } from "./stage/world.js";

/** Routes that answer with a file or a part of a page, or lead elsewhere: nothing to look at by itself. */
export const NO_PAGES = ["/connectors/{name}/export", "/requests/rows", "/retries/{id}/progress", "/connectors/{name}/backfill/progress", "/sign-in/oidc", "/account/confirm"];

/**
 * `route` as the table in `crates/web/src/console/mod.rs` has it; `world` says what has happened
 * before (`stage/world.js`); `path` takes it. `as`: who looks, an administrator unless another is
 * named; `nobody` is not signed in. `title` and `tells` stand over its picture in `docs/console.md`. `sees`: something that only this page says. `dark`: there is a
 * picture of it in the dark theme too. `before`: what one does on the page until it is so. `wide`: it is
 * so on a wide screen only.
 */
export const PAGES = [
  {
    name: "start", title: "First start", tells: "Until an administrator exists, every page leads here.",
    route: "/start", world: "fresh", as: "nobody", sees: "Create the first administrator",
  },
  {
    name: "sign-in", title: "Sign in", tells: "Failed attempts slow down further ones, and the page does not reveal which users exist.",
    route: "/sign-in", world: "bare", as: "nobody", sees: "Sign in to leadsync", dark: true,
  },
  {
    name: "sign-in-link", title: "Sign in as a LeadSquared user", tells: "With a link that is emailed to the user's address in the destination account.",
    route: "/sign-in/link", world: "bare", as: "nobody", sees: "Sign in as a LeadSquared user",
  },
  {
    name: "sign-in-link-sent", title: "Sign-in link sent", tells: "The page looks the same for every address, known or not.",
    path: () => "/sign-in/link", route: "/sign-in/link", world: "bare", as: "nobody", sees: "Check your email",
    before: async (page) => {
      await page.getByLabel("Email").fill("sam@example.com");
      await page.getByRole("button", { name: "Email me a sign-in link" }).click();
      await page.getByRole("heading", { name: "Check your email" }).waitFor();
    },
  },
  {
    name: "sign-in-link-old", title: "A used sign-in link", tells: "The page offers a new link.",
    route: "/sign-in/link/{secret}", world: "bare", as: "nobody", path: () => "/sign-in/link/none", status: 410, sees: "This link was already used",
  },

  {
    name: "sign-in-code", title: "The second factor", tells: "After the password, a code of an authenticator app or a recovery code.",
    path: () => "/sign-in", route: "/sign-in/code", world: "guarded", as: "nobody", sees: "Enter the code",
    before: async (page) => {
      await page.getByLabel("Email").fill(GUARDED);
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Enter the code" }).waitFor();
    },
  },
  {
    name: "invite", title: "An invite", tells: "The invited person chooses a password.",
    route: "/invite/{secret}", world: "guarded", as: "nobody", path: (service) => service.invite, sees: "Welcome to leadsync",
  },
  {
    name: "invite-old", title: "A used invite", tells: "The page says who makes a new one.",
    route: "/invite/{secret}", world: "guarded", as: "nobody", path: () => "/invite/none", status: 410, sees: "This invite was already used",
  },
  {
    name: "overview-none", title: "Overview, before the first connector", tells: "The first steps.",
    route: "/", world: "bare", sees: "Overview",
  },
  {
    name: "overview", title: "Overview", tells: "The daily summary: requests, failures and their causes, waiting records, and the remaining quota.",
    route: "/", world: "busy", sees: "Overview", dark: true,
  },
  {
    name: "connectors-none", title: "Connectors, before the first", tells: "The next steps.",
    path: () => "/connectors", route: "/connectors", world: "bare", sees: "No connectors yet",
  },
  {
    name: "connectors", title: "Connectors", tells: "All connectors and pairs, their state, and their results of today.",
    route: "/connectors", world: "busy", sees: "sales-to-patients", dark: true,
  },
  {
    name: "connector-new-without-accounts", title: "New connector, before there are accounts", tells: "The page asks for the accounts first.",
    path: () => "/connectors/new", route: "/connectors/new", world: "bare", sees: "A connector needs two",
  },
  {
    name: "connector-new", title: "New connector", tells: "The first step: the source and the destination account.",
    path: () => "/connectors/new", route: "/connectors/new", world: "busy", sees: "Connector name",
  },
  {
    name: "connector", title: "A connector", tells: "Its settings, its failures with advice, and its latest requests.",
    route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-patients", sees: "Recent requests", dark: true,
  },
  {
    name: "connector-in-set-up", title: "A connector during setup", tells: "The page leads to the next step. Earlier steps can be revisited.",
    route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-archive", sees: "Continue setup",
  },
  {
    name: "connector-more-actions", title: "More actions", tells: "All actions for a connector.",
    route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-patients", sees: "Edit configuration", before: async (page) => page.getByText("More actions").click(),
  },
  {
    name: "connector-basic", title: "Basic settings", tells: "Users, unique fields, countries and time zones are chosen from lists of the account.",
    route: "/connectors/{name}/basic", world: "busy", path: () => "/connectors/sales-to-patients/basic", sees: "Lead matching",
  },
  {
    name: "connector-entities", title: "Entity options", tells: "How leads and activities are synced.",
    route: "/connectors/{name}/entities", world: "busy", path: () => "/connectors/sales-to-patients/entities", sees: "Sync Behaviour for activities",
  },
  {
    name: "connector-filter", title: "Filter", tells: "The conditions for leads to be synced, tested on the leads of recent requests before they are saved.",
    route: "/connectors/{name}/filter", world: "busy", path: () => "/connectors/sales-to-patients/filter", sees: "Which leads from",
    before: async (page) => {
      await page.getByLabel("All of these, field 1").fill("EmailAddress");
      await page.getByLabel("All of these, test 1").selectOption("contains");
      await page.getByLabel("All of these, value 1").fill("asha");
      await page.getByRole("button", { name: "Count recent leads" }).click();
      await page.getByRole("heading", { name: "Recent leads" }).waitFor();
    },
  },
  {
    name: "connector-backfill", title: "Backfill", tells: "Syncs the leads that the source already has, and counts them before anything is written.",
    route: "/connectors/{name}/backfill", world: "busy", path: () => "/connectors/sales-to-patients/backfill", sees: "Count leads",
    before: async (page) => {
      await page.getByRole("button", { name: "Count leads" }).click();
      await page.getByRole("heading", { name: "Expected result" }).waitFor();
    },
  },
  {
    name: "connector-compare", title: "Compare", tells: "How many leads agree, which differ and in which fields, and what the sweep found.",
    route: "/connectors/{name}/compare", world: "busy", path: () => "/connectors/sales-to-patients/compare", sees: "Compare now", dark: true,
    before: async (page) => {
      await page.getByRole("button", { name: "Compare now" }).click();
      const result = page.getByRole("heading", { name: /agree$/ });
      for (let looks = 0; looks < 60 && (await result.count()) === 0; looks += 1) {
        await page.waitForTimeout(500);
        await page.reload();
      }
      await result.waitFor();
    },
  },
  {
    name: "connector-mapping", title: "Mapping", tells: "The fields of both accounts by display name, with the values of a recent payload. An automatic mapping stays automatic; changes are kept on top of it.",
    route: "/connectors/{name}/mapping", world: "busy", path: () => "/connectors/sales-to-patients/mapping", sees: "Automatic mapping.", dark: true,
  },
  {
    name: "connector-mapping-row", title: "A row of the mapping", tells: "Its details beside the list, checked while one types: the source field, translated values, a default and more.",
    route: "/connectors/{name}/mapping", world: "busy", path: () => "/connectors/sales-to-patients/mapping?row=ProspectStage", sees: "Sync this field", dark: true,
  },
  {
    name: "connector-mapping-review", title: "Mapping, reviewed", tells: "Each change in one line before it is saved.",
    route: "/connectors/{name}/mapping", world: "busy", path: () => "/connectors/sales-to-patients/mapping?row=FirstName", sees: "Review changes",
    before: async (page) => {
      await page.getByLabel("Filled from").fill("LastName");
      await page.locator("#drawer").getByRole("button", { name: "Review changes" }).click();
      await page.getByRole("heading", { name: "Review changes" }).waitFor();
    },
  },
  {
    name: "connector-mapping-owners", title: "Owners", tells: "Users are matched by email address; others get a counterpart here, or the fallback owner.",
    route: "/connectors/{name}/mapping/owners", world: "busy", path: () => "/connectors/sales-to-patients/mapping/owners", sees: "Fallback owner",
  },
  {
    name: "connector-mapping-activities", title: "Activities", tells: "Each activity type has its own mapping.",
    route: "/connectors/{name}/mapping/activities", world: "busy", path: () => "/connectors/sales-to-patients/mapping/activities", sees: "Activities are not synced.",
  },
  {
    name: "connector-mapping-activity", title: "Mapping of an activity type", tells: "As for leads, with the fields of the type.",
    route: "/connectors/{name}/mapping/activities/{code}", world: "busy", path: () => "/connectors/sales-to-patients/mapping/activities/201", sees: "Automatic mapping.",
  },
  {
    name: "connector-versions", title: "Versions", tells: "What each save changed, in one line a setting, when, and by whom. Each can be restored.",
    route: "/connectors/{name}/versions", world: "busy", path: () => "/connectors/sales-to-patients/versions", sees: "Every change is saved as a version.",
  },
  {
    name: "connector-access", title: "Access", tells: "Which users of the destination account may use the connector, by role or by a user field. The page can check any user.",
    route: "/connectors/{name}/access", world: "busy", path: () => "/connectors/sales-to-patients/access", sees: "Based on Role",
  },
  {
    name: "connector-webhook", title: "Webhook URL", tells: "The steps in the source account, in LeadSquared's terms. The lights turn green automatically.",
    route: "/connectors/{name}/webhook", world: "busy", path: () => "/connectors/sales-to-patients/webhook", sees: "Anyone with this URL can send changes", dark: true,
  },
  {
    name: "connector-check", title: "Check", tells: "Validates the connector against both accounts, before anything fails.",
    route: "/connectors/{name}/check", world: "busy", path: () => "/connectors/sales-to-patients/check", sees: "Check again",
  },
  {
    name: "connector-preview", title: "Preview", tells: "What a payload would do. Nothing is written.",
    route: "/connectors/{name}/preview", world: "busy", path: () => "/connectors/sales-to-patients/preview", sees: "Webhook payload",
  },
  {
    name: "connector-refresh", title: "Update linked leads", tells: "Applies changed settings to linked leads: counts the affected leads, then retries the newest request of each.",
    route: "/connectors/{name}/refresh", world: "busy", path: () => "/connectors/sales-to-patients/refresh", sees: "Leads per minute",
  },

  {
    name: "requests-none", title: "Requests, before the first", tells: "The next steps.",
    path: () => "/requests", route: "/requests", world: "bare", sees: "No requests yet",
  },
  {
    name: "requests", title: "Requests", tells: "One state a row, whose lead it is, and what changed. Echoes of leadsync's own writes are hidden until you show them.",
    route: "/requests", world: "busy", sees: "leadsync matches leads by their search keys", dark: true,
  },
  {
    name: "requests-filtered-to-none", title: "Requests, without a match", tells: "A filter without results.",
    route: "/requests", world: "busy", path: () => "/requests?q=nobody@example.org", sees: "No matching requests",
  },
  {
    name: "requests-wrong-filter", title: "Requests, with a filter that is not valid", tells: "The page explains the error.",
    route: "/requests", world: "busy", path: () => "/requests?event=odd", status: 400, sees: "odd",
  },
  {
    name: "requests-more-filters", title: "Requests, with more filters", tells: "By date, entity and cause. Active filters are shown above the list and can be removed there.",
    route: "/requests", world: "busy", path: () => "/requests?state=failed&entity=lead&period=7d", sees: "Clear filters",
    before: async (page) => page.locator("summary", { hasText: "More filters" }).click(),
  },
  {
    name: "requests-views", title: "Saved views", tells: "A filter is saved under a name, for yourself.",
    route: "/requests", world: "busy", path: () => "/requests?state=failed", sees: "Save this filter as",
    before: async (page) => page.locator("summary", { hasText: "Views" }).click(),
  },
  {
    name: "request-beside", title: "A request next to the list", tells: "On a wide screen, a request opens next to the list. The arrow keys go to the previous and the next one.",
    route: "/requests", world: "busy", path: () => "/requests", sees: "Open full page", wide: true,
    before: async (page) => {
      await page.locator("a[data-drawer]").nth(1).click();
      await page.locator(".drawer #story").waitFor();
    },
  },
  {
    name: "request-created", title: "A request that created a lead", tells: "What was written, and where each value came from.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.created.id}`, sees: "Payload",
  },
  {
    name: "request-updated", title: "A request that changed a lead", tells: "Only fields that differ are written.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.updated.id}`, sees: "Payload", dark: true,
  },
  {
    name: "request-failed", title: "A request that failed", tells: "The reason, advice, and a retry.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.keyless.id}`, sees: "Retry",
  },
  {
    name: "request-unreadable", title: "A request that can't be read", tells: "The body is kept exactly as it was received.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.unreadable.id}`, sees: "is not JSON",
  },
  {
    name: "request-attempts", title: "The attempts of a request", tells: "Every API call and its response.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.created.id}?tab=attempts`, sees: "Lead.Capture",
    before: async (page) => page.locator("details.call > summary").first().click(),
  },
  {
    name: "request-payload", title: "The payload of a request", tells: "The body as it was received.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.created.id}?tab=payload`, sees: "Content-Type",
  },
  {
    name: "request-gone", title: "A request that does not exist", tells: "It may have been removed with its connector.",
    route: "/requests/{id}", world: "busy", path: () => "/requests/0AMJCSPP40499", status: 404, sees: "Page not found",
  },

  {
    name: "failures-none", title: "Failures, before the first", tells: "Nothing needs attention.",
    path: () => "/failures", route: "/failures", world: "bare", sees: "No open failures",
  },
  {
    name: "failures", title: "Failures", tells: "Failed records in groups with one cause, the largest first. Groups that somebody dismissed are below, with the note.",
    route: "/failures", world: "refused", sees: "Value is not an option",
  },
  {
    name: "failure", title: "A group of failures", tells: "The error in plain words, the repairs that fit it, and examples.",
    route: "/failures/{name}/{cause}", world: "refused", path: () => "/failures/sales-to-patients/missing_option%2Fmx_Plan", sees: "Map the values to options", dark: true,
  },
  {
    name: "failure-preview", title: "A repair, previewed", tells: "What a repair would do to the group: nothing is written until it is saved. Saving retries all records, with progress.",
    route: "/failures/{name}/{cause}", world: "refused", sees: "Save and retry",
    path: () => "/failures/sales-to-patients/missing_option%2Fmx_Plan?fix=map_values&field=mx_Plan&from=Premium+plan&to=Premium",
  },
  {
    name: "retries-none", title: "Retries, before the first", tells: "What retries are.",
    path: () => "/retries", route: "/retries", world: "bare", sees: "No retries yet",
  },
  {
    name: "retries", title: "Retries", tells: "Who requested each retry, and its progress.",
    route: "/retries", world: "busy", sees: "Failed again",
  },
  {
    name: "retry-new", title: "Retry all that match", tells: "With the current settings or those of the failed attempt, at a rate that leaves room for live changes.",
    route: "/retries/new", world: "busy", path: () => "/retries/new?event=failed&connector=sales-to-patients", sees: "Rate limit (requests per minute)",
  },
  {
    name: "retry", title: "A retry", tells: "Its progress. Records that have not started can be cancelled.",
    route: "/retries/{id}", world: "busy", path: ({ known }) => `/retries/${known.batch}`, sees: "Finished",
  },
  {
    name: "leads-none", title: "Leads, before the first", tells: "When leads appear.",
    path: () => "/leads", route: "/leads", world: "bare", sees: "No leads yet",
  },
  {
    name: "leads", title: "Leads", tells: "Found by name, email, phone or ID. A single match opens at once.",
    route: "/leads", world: "busy", sees: "Asha Nair", dark: true,
  },
  {
    name: "lead-live", title: "A lead side by side", tells: "Read from both accounts now, with the fields that differ first.",
    route: "/leads/{account}/{id}", world: "busy", path: ({ known }) => `/leads/sales/${known.lead}?live=yes`, sees: "Read from both accounts",
  },
  {
    name: "lead", title: "A lead", tells: "The history of each field, event by event, and the linked lead in the other account.",
    route: "/leads/{account}/{id}", world: "busy", path: ({ known }) => `/leads/sales/${known.lead}`, sees: "Field history", dark: true,
  },
  {
    name: "reviews-by-rule", title: "Resolve many reviews", tells: "What a rule would do to all open reviews, before it does.",
    route: "/reviews/by-rule", world: "undecided", path: () => "/reviews/by-rule?rule=primary_key", sees: "would be resolved",
  },
  {
    name: "backfills-none", title: "Backfills, before the first", tells: "What a backfill is for.",
    path: () => "/backfills", route: "/backfills", world: "busy", sees: "No backfills yet",
  },
  {
    name: "compare", title: "Comparisons", tells: "How far the accounts of each connector agree.",
    route: "/compare", world: "busy", sees: "Compare now",
  },
  {
    name: "design", title: "Design", tells: "Every part of the console, in debug builds only.",
    route: "/design", world: "bare", sees: "Every part of the console.", dark: true,
  },
  {
    name: "no-page", title: "An address that does not exist", tells: "The page links back to the overview.",
    path: () => "/nonsense", world: "bare", status: 404, sees: "This page was not found",
  },

  {
    name: "accounts-none", title: "Accounts, before the first", tells: "What you need to add one.",
    path: () => "/accounts", route: "/accounts", world: "bare", sees: "No LeadSquared accounts yet",
  },
  {
    name: "accounts", title: "Accounts", tells: "All accounts with their regions, quotas and connectors.",
    route: "/accounts", world: "busy", sees: "patients",
  },
  {
    name: "account-new", title: "New account", tells: "The keys are tested before they are saved.",
    path: () => "/accounts/new", route: "/accounts/new", world: "bare", sees: "Add an account",
  },
  {
    name: "account", title: "An account", tells: "Keys can be replaced, and are never shown.",
    route: "/accounts/{name}", world: "busy", path: () => "/accounts/sales", sees: "Remove account",
  },
  {
    name: "account-traits", title: "Account traits", tells: "How the account behaves where accounts differ, found by a probe or set manually.",
    route: "/accounts/{name}/traits", world: "busy", path: () => "/accounts/sales/traits", sees: "Probe the account", dark: true,
  },

  {
    name: "alerts-none", title: "Alerts, before the first address", tells: "Alerts go to email addresses and webhooks.",
    path: () => "/alerts", route: "/alerts", world: "bare", sees: "No alert addresses yet",
  },
  {
    name: "alerts", title: "Alerts", tells: "The addresses that receive alerts. Each can be tested; the URL of a webhook is never shown in full.",
    path: () => "/alerts", route: "/alerts", world: "busy", sees: "Send a test", dark: true,
    before: async (page) => {
      // Shown with an address of its own; a page that was looked at before has it already.
      if (await page.getByRole("button", { name: "Send a test" }).count() > 0) return;
      await page.getByLabel("Email address or webhook URL").fill("ops@example.com");
      await page.getByRole("button", { name: "Add address" }).click();
      await page.getByText("Added.").waitFor();
    },
  },
  {
    name: "alert", title: "An alert address", tells: "Its connectors, and whether it receives alerts, a digest, or both. The address itself stays.",
    route: "/alerts/{id}", world: "busy", sees: "The address itself stays", dark: true,
    path: () => "/alerts",
    before: async (page) => {
      if (await page.getByRole("link", { name: /^Edit / }).count() === 0) {
        await page.getByLabel("Email address or webhook URL").fill("ops@example.com");
        await page.getByRole("button", { name: "Add address" }).click();
        await page.getByText("Added.").waitFor();
      }
      await page.getByRole("link", { name: /^Edit / }).first().click();
      await page.getByText("The address itself stays").waitFor();
    },
  },
  {
    name: "people", title: "Users & tokens", tells: "Users with their roles, LeadSquared users who are signed in, and API tokens.",
    route: "/people", world: "busy", sees: "API tokens", dark: true,
  },
  {
    name: "people-invited", title: "An invite to pass on", tells: "Without email the link is shown once.",
    path: () => "/people", route: "/people", world: "guarded", sees: "can't be shown again",
    before: async (page) => {
      await page.getByText("Invite a user").click();
      await page.locator("#invite_email").fill("noor@example.com");
      await page.getByRole("button", { name: "Invite", exact: true }).click();
      await page.getByText("can't be shown again").waitFor();
    },
  },
  {
    name: "people-token-made", title: "A new API token", tells: "It is shown once, to be copied.",
    path: () => "/people", route: "/people", world: "busy", sees: "API tokens",
    before: async (page) => {
      await page.getByText("New token").click();
      await page.getByLabel("Name").fill("nightly report");
      await page.getByRole("button", { name: "Create token" }).click();
      await page.getByText("Copy it now").waitFor();
    },
  },
  {
    name: "reviews-none", title: "Reviews, when nothing waits", tells: "Ambiguous matches are never guessed; they wait here.",
    path: () => "/reviews", route: "/reviews", world: "bare", sees: "No open reviews",
  },
  {
    name: "reviews", title: "Reviews", tells: "Leads whose changes wait for a person. Other leads keep syncing.",
    route: "/reviews", world: "undecided", sees: "search keys match different leads",
  },
  {
    name: "review", title: "A review", tells: "The lead next to its possible matches. The resolution can be made a rule for future leads, and undone.",
    route: "/reviews/{id}", world: "undecided", path: () => "/reviews/1", sees: "Side by side", dark: true,
  },
  {
    name: "audit", title: "Audit log", tells: "Who changed what, with the values before and after.",
    route: "/audit", world: "busy", sees: "Audit log", dark: true,
  },
  {
    name: "audit-none", title: "Audit log, without a match", tells: "Filtered by user, action and object.",
    path: () => "/audit?actor=nobody@example.org", route: "/audit", world: "busy", sees: "No matching entries",
  },
  {
    name: "personal-data", title: "Personal data", tells: "What is stored about one person, to download or to erase.",
    path: () => "/personal-data", route: "/personal-data", world: "busy", sees: "Stored about this person", dark: true,
    before: async (page) => {
      await page.getByLabel("Email address, phone number or lead ID").fill("asha.nair@example.com");
      await page.getByRole("button", { name: "Find", exact: true }).click();
      await page.getByText("Stored about this person").waitFor();
    },
  },
  {
    name: "own-account", title: "Your account", tells: "Where you are signed in. Each session can be ended.",
    path: () => "/account", route: "/account", world: "busy", sees: "Active sessions",
  },
  {
    name: "own-second-factor", title: "Setting up a second factor", tells: "A key for an authenticator app, confirmed by a code.",
    path: () => "/account", route: "/account", world: "guarded", sees: "Set up a second factor",
    before: async (page) => {
      await page.getByRole("button", { name: "Set up a second factor" }).click();
      await page.getByRole("img", { name: "QR code with the key" }).waitFor();
    },
  },
  {
    name: "not-allowed", title: "Access denied", tells: "An operator needs an administrator for this page.",
    path: () => "/accounts", route: "/accounts", world: "busy", as: "operator", status: 403, sees: "Access denied",
  },
];
