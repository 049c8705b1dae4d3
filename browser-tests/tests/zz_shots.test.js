import { scene, shared } from "../stage/scene.js";
import { busy, signedIn } from "../stage/world.js";
const world = shared(busy);
scene("shots", async (stage) => {
  const service = await world();
  const visitor = await signedIn(stage, service);
  const { page } = visitor;
  const { known } = service;
  const pages = {
    requests: ["/requests"],
    views: ["/requests?state=failed", async () => page.locator("summary", { hasText: "Views" }).click()],
    more: ["/requests?state=failed&entity=lead&period=7d", async () => page.locator("summary", { hasText: "More filters" }).click()],
    drawer: ["/requests", async (w) => { if (w < 1024) return; await page.locator("a[data-drawer]").nth(1).click(); await page.locator(".drawer #story").waitFor(); }],
    updated: [`/requests/${known.updated.id}`],
    failed: [`/requests/${known.keyless.id}`],
    attempts: [`/requests/${known.created.id}?tab=attempts`],
    payload: [`/requests/${known.created.id}?tab=payload`],
    leads: ["/leads"],
    live: [`/leads/sales/${known.lead}?live=yes`],
  };
  const only = process.env.ONLY?.split(",");
  for (const [name, [path, before = async () => {}]] of Object.entries(pages)) {
    if (only && !only.includes(name)) continue;
    for (const [width, scheme] of [[375, "light"], [1280, "light"], [1280, "dark"]]) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: scheme });
      await visitor.open(path);
      await before(width);
      await page.screenshot({ path: `/tmp/shots/${name}-${width}-${scheme}.png`, fullPage: name !== "requests" && name !== "drawer" });
    }
  }
});
