// Every page of the console, and how one comes to it. What is to hold for all pages is tested by
// going through this list; `tests/pages.test.js` sees to it that no page is missing.

/** Routes that answer with a file, or with a part of a page: nothing to look at by itself. */
export const NO_PAGES = ["/connectors/{name}/export", "/requests/rows", "/retries/{id}/progress", "/connectors/{name}/backfill/progress"];

/**
 * `route` as the table in `crates/web/src/console/mod.rs` has it; `world` says what has happened
 * before (`stage/world.js`); `path` takes it. `as`: who looks, an administrator unless another is
 * named; `nobody` is not signed in. `title` and `tells` stand over its picture in `docs/console.md`. `sees`: something that only this page says. `dark`: there is a
 * picture of it in the dark theme too. `before`: what one does on the page until it is so. `wide`: it is
 * so on a wide screen only.
 */
export const PAGES = [
  {
    name: "start", title: "First start", tells: "Until there is an administrator, every page leads here.",
    route: "/start", world: "fresh", as: "nobody", sees: "Create the first administrator",
  },
  {
    name: "sign-in", title: "Sign in", tells: "Wrong passwords slow down, and nobody learns who has an account.",
    route: "/sign-in", world: "bare", as: "nobody", sees: "Sign in to leadsync", dark: true,
  },
  {
    name: "sign-in-link", title: "Sign in as a user of LeadSquared", tells: "By a link that is mailed to the address in the destination account.",
    route: "/sign-in/link", world: "bare", as: "nobody", sees: "Sign in as a LeadSquared user",
  },
  {
    name: "sign-in-link-sent", title: "A link is on its way", tells: "Said of every address alike, known or not.",
    path: () => "/sign-in/link", route: "/sign-in/link", world: "bare", as: "nobody", sees: "Check your email",
    before: async (page) => {
      await page.getByLabel("Email").fill("sam@example.com");
      await page.getByRole("button", { name: "Email me a sign-in link" }).click();
      await page.getByRole("heading", { name: "Check your email" }).waitFor();
    },
  },
  {
    name: "sign-in-link-old", title: "A link that was used", tells: "It asks for a new one.",
    route: "/sign-in/link/{secret}", world: "bare", as: "nobody", path: () => "/sign-in/link/none", status: 410, sees: "This link was already used",
  },

  {
    name: "overview-none", title: "Overview, before the first connector", tells: "What to do first.",
    route: "/", world: "bare", sees: "Overview",
  },
  {
    name: "overview", title: "Overview", tells: "What one looks at in the morning: how much came, what failed and why, what waits, and how much quota is left.",
    route: "/", world: "busy", sees: "Overview", dark: true,
  },
  {
    name: "connectors-none", title: "Connectors, before the first", tells: "What to do next.",
    path: () => "/connectors", route: "/connectors", world: "bare", sees: "No connectors yet",
  },
  {
    name: "connectors", title: "Connectors", tells: "Which there are, which are on and belong together, and how each does today.",
    route: "/connectors", world: "busy", sees: "sales-to-patients", dark: true,
  },
  {
    name: "connector-new-without-accounts", title: "New connector, before there are accounts", tells: "It asks for the accounts first.",
    path: () => "/connectors/new", route: "/connectors/new", world: "bare", sees: "A connector needs two",
  },
  {
    name: "connector-new", title: "New connector", tells: "The first step: from which account to which.",
    path: () => "/connectors/new", route: "/connectors/new", world: "busy", sees: "Connector name",
  },
  {
    name: "connector", title: "A connector", tells: "How it is set, what fails and what to do about it, and what came last.",
    route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-patients", sees: "Recent requests", dark: true,
  },
  {
    name: "connector-in-set-up", title: "A connector that is being set up", tells: "It leads to the next step; every step can be come back to.",
    route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-archive", sees: "Continue setup",
  },
  {
    name: "connector-more-actions", title: "More actions", tells: "Everything that can be done with a connector.",
    route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-patients", sees: "Edit configuration", before: async (page) => page.getByText("More actions").click(),
  },
  {
    name: "connector-basic", title: "Basic settings", tells: "Lists come from the account: users, unique fields, countries, time zones.",
    route: "/connectors/{name}/basic", world: "busy", path: () => "/connectors/sales-to-patients/basic", sees: "Lead matching",
  },
  {
    name: "connector-entities", title: "Entity options", tells: "What happens to leads and activities.",
    route: "/connectors/{name}/entities", world: "busy", path: () => "/connectors/sales-to-patients/entities", sees: "Sync Behaviour for activities",
  },
  {
    name: "connector-filter", title: "Filter", tells: "Which leads are synced, tried on the leads of recent requests before it is saved.",
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
    name: "connector-backfill", title: "Backfill", tells: "Leads that the source had before, counted before anything is written.",
    route: "/connectors/{name}/backfill", world: "busy", path: () => "/connectors/sales-to-patients/backfill", sees: "Count leads",
    before: async (page) => {
      await page.getByRole("button", { name: "Count leads" }).click();
      await page.getByRole("heading", { name: "Expected result" }).waitFor();
    },
  },
  {
    name: "connector-compare", title: "Compare", tells: "How many leads agree, which differ and by what, and what the sweep found.",
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
    name: "connector-mapping", title: "Mapping", tells: "Every field of both accounts side by side, with what the last payload holds and what is wrong, as one types.",
    route: "/connectors/{name}/mapping", world: "busy", path: () => "/connectors/sales-to-patients/mapping", sees: "Add a custom row", dark: true,
  },
  {
    name: "connector-mapping-review", title: "Mapping, reviewed", tells: "What changes is shown before it is saved.",
    route: "/connectors/{name}/mapping", world: "busy", path: () => "/connectors/sales-to-patients/mapping", sees: "Add a custom row", wide: true,
    before: async (page) => {
      await page.getByLabel("Source of FirstName").or(page.getByLabel("Source of First Name")).first().fill("LastName");
      await page.getByRole("button", { name: "Review changes" }).click();
      await page.getByRole("heading", { name: "Changes" }).waitFor();
    },
  },
  {
    name: "connector-mapping-activities", title: "Mapping of activities", tells: "Each type of activity has one of its own.",
    route: "/connectors/{name}/mapping/activities/{code}", world: "busy", path: () => "/connectors/sales-to-patients/mapping/activities/201", sees: "Add a custom row",
  },
  {
    name: "connector-versions", title: "Versions", tells: "What each save changed, by whom, and the way back.",
    route: "/connectors/{name}/versions", world: "busy", path: () => "/connectors/sales-to-patients/versions", sees: "Settings versions",
  },
  {
    name: "connector-access", title: "Access", tells: "Which users of the destination account may use the connector: by role or by a field of theirs; any of them can be asked about.",
    route: "/connectors/{name}/access", world: "busy", path: () => "/connectors/sales-to-patients/access", sees: "Based on Role",
  },
  {
    name: "connector-webhook", title: "Webhook URL", tells: "What to do in the source account, in its own words; the lights turn green by themselves.",
    route: "/connectors/{name}/webhook", world: "busy", path: () => "/connectors/sales-to-patients/webhook", sees: "Anyone with this URL can send changes", dark: true,
  },
  {
    name: "connector-check", title: "Check", tells: "Both accounts are asked whether all fits together, before anything fails.",
    route: "/connectors/{name}/check", world: "busy", path: () => "/connectors/sales-to-patients/check", sees: "Check again",
  },
  {
    name: "connector-preview", title: "Preview", tells: "What a payload would do, without doing it.",
    route: "/connectors/{name}/preview", world: "busy", path: () => "/connectors/sales-to-patients/preview", sees: "Webhook payload",
  },
  {
    name: "connector-refresh", title: "Update linked leads", tells: "After a change of the mapping: how many leads it concerns, then a retry of each one's newest request.",
    route: "/connectors/{name}/refresh", world: "busy", path: () => "/connectors/sales-to-patients/refresh", sees: "Leads per minute",
  },

  {
    name: "requests-none", title: "Requests, before the first", tells: "What to do next.",
    path: () => "/requests", route: "/requests", world: "bare", sees: "No requests yet",
  },
  {
    name: "requests", title: "Requests", tells: "What came, what became of it, and why not; the filter is in the address.",
    route: "/requests", world: "busy", sees: "leadsync matches leads by this value", dark: true,
  },
  {
    name: "requests-filtered-to-none", title: "Requests, none of which is like that", tells: "A filter without results.",
    route: "/requests", world: "busy", path: () => "/requests?q=nobody@example.org", sees: "No matching requests",
  },
  {
    name: "requests-wrong-filter", title: "Requests, with a filter that is wrong", tells: "What is wrong with it.",
    route: "/requests", world: "busy", path: () => "/requests?event=odd", status: 400, sees: "odd",
  },
  {
    name: "requests-more-filters", title: "Requests, with more filters", tells: "By days, status, entity and cause; what it is filtered by stands above the list, and can be removed.",
    route: "/requests", world: "busy", path: () => "/requests?event=failed&job_status=failure&period=7d", sees: "Clear filters",
  },
  {
    name: "request-beside", title: "A request beside the list", tells: "On a wide screen it opens there.",
    route: "/requests", world: "busy", path: () => "/requests", sees: "Open full page", wide: true,
    before: async (page) => page.locator("a[data-panel]").nth(1).click(),
  },
  {
    name: "request-created", title: "A request that created a lead", tells: "From what came in to every call and its answer.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.created.id}`, sees: "Payload",
  },
  {
    name: "request-updated", title: "A request that changed a lead", tells: "Only what differs is written.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.updated.id}`, sees: "Payload", dark: true,
  },
  {
    name: "request-failed", title: "A request that failed", tells: "Why, what to do, and a retry.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.keyless.id}`, sees: "Retry",
  },
  {
    name: "request-unreadable", title: "A request that can't be read", tells: "The body is kept as it came.",
    route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.unreadable.id}`, sees: "is not JSON",
  },
  {
    name: "request-gone", title: "A request that is not there", tells: "It may have been removed with its connector.",
    route: "/requests/{id}", world: "busy", path: () => "/requests/0AMJCSPP40499", status: 404, sees: "Page not found",
  },

  {
    name: "retries-none", title: "Retries, before the first", tells: "What they are.",
    path: () => "/retries", route: "/retries", world: "bare", sees: "No retries yet",
  },
  {
    name: "retries", title: "Retries", tells: "Who asked for which, and how far each is.",
    route: "/retries", world: "busy", sees: "Failed again",
  },
  {
    name: "retry-new", title: "Retry all that match", tells: "With the settings of now or of then, and at a pace that leaves live changes their room.",
    route: "/retries/new", world: "busy", path: () => "/retries/new?event=failed&connector=sales-to-patients", sees: "Rate limit (requests per minute)",
  },
  {
    name: "retry", title: "A retry", tells: "How far it is; what has not begun can be taken back.",
    route: "/retries/{id}", world: "busy", path: ({ known }) => `/retries/${known.batch}`, sees: "Finished",
  },
  {
    name: "lead", title: "A lead", tells: "Why each field holds what it holds, event by event, and which lead it is in the other account.",
    route: "/leads/{account}/{id}", world: "busy", path: ({ known }) => `/leads/sales/${known.lead}`, sees: "Field history", dark: true,
  },
  {
    name: "no-page", title: "An address that nothing has", tells: "It leads back to the start.",
    path: () => "/nonsense", world: "bare", status: 404, sees: "This page was not found",
  },

  {
    name: "accounts-none", title: "Accounts, before the first", tells: "What to have at hand.",
    path: () => "/accounts", route: "/accounts", world: "bare", sees: "No LeadSquared accounts yet",
  },
  {
    name: "accounts", title: "Accounts", tells: "With their regions, quotas and connectors.",
    route: "/accounts", world: "busy", sees: "patients",
  },
  {
    name: "account-new", title: "New account", tells: "Its keys are tried before they are kept.",
    path: () => "/accounts/new", route: "/accounts/new", world: "bare", sees: "Add an account",
  },
  {
    name: "account", title: "An account", tells: "Keys can be replaced, and are never shown.",
    route: "/accounts/{name}", world: "busy", path: () => "/accounts/sales", sees: "Remove account",
  },
  {
    name: "account-traits", title: "What an account is like", tells: "What it does where accounts differ, by a probe or set by hand.",
    route: "/accounts/{name}/traits", world: "busy", path: () => "/accounts/sales/traits", sees: "Probe the account", dark: true,
  },

  {
    name: "people", title: "People", tells: "Users with their roles, LeadSquared users who are signed in, and API tokens.",
    route: "/people", world: "busy", sees: "API tokens", dark: true,
  },
  {
    name: "people-token-made", title: "A new API token", tells: "Shown once, to be copied.",
    path: () => "/people", route: "/people", world: "busy", sees: "API tokens",
    before: async (page) => {
      await page.getByText("New token").click();
      await page.getByLabel("Name").fill("nightly report");
      await page.getByRole("button", { name: "Create token" }).click();
      await page.getByText("Copy it now").waitFor();
    },
  },
  {
    name: "reviews-none", title: "Reviews, when nothing waits", tells: "Where it is not plain which lead a lead is, nothing is guessed.",
    path: () => "/reviews", route: "/reviews", world: "bare", sees: "No open reviews",
  },
  {
    name: "reviews", title: "Reviews", tells: "Leads whose changes wait for a person; other leads go on.",
    route: "/reviews", world: "undecided", sees: "search keys match different leads",
  },
  {
    name: "review", title: "A review", tells: "The lead beside those that it may be; the decision can be made a rule for leads to come, and undone.",
    route: "/reviews/{id}", world: "undecided", path: () => "/reviews/1", sees: "Side by side", dark: true,
  },
  {
    name: "audit", title: "Audit log", tells: "Who changed what, with before and after.",
    route: "/audit", world: "busy", sees: "Audit log", dark: true,
  },
  {
    name: "audit-none", title: "Audit log, filtered to nothing", tells: "By who, what and to what.",
    path: () => "/audit?actor=nobody@example.org", route: "/audit", world: "busy", sees: "No matching entries",
  },
  {
    name: "own-account", title: "One's own account", tells: "Where one is signed in; each session can be ended.",
    path: () => "/account", route: "/account", world: "busy", sees: "Active sessions",
  },
  {
    name: "not-allowed", title: "What one may not see", tells: "An operator asks an administrator.",
    path: () => "/accounts", route: "/accounts", world: "busy", as: "operator", status: 403, sees: "Access denied",
  },
];
