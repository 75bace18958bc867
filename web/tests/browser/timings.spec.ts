// How soon a phone on a slow network sees something, and how soon a press shows.
import type { Page } from "@playwright/test";
import { expect, test } from "./shop";

// A phone on Fast 3G: 1.6 Mbit/s down, 768 kbit/s up, 150 ms there and back, a quarter of this machine's speed.
test.use({ viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true });
async function slowDown(page: Page) {
  const client = await page.context().newCDPSession(page);
  await client.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 768_000 / 8 });
  await client.send("Emulation.setCPUThrottlingRate", { rate: 4 });
}

// Three, sorted. Other work of this machine only adds: the soonest is what the page takes, the median what was seen.
async function three(measure: () => Promise<number>) {
  const out: number[] = [];
  while (out.length < 3) out.push(await measure());
  return out.sort((a, b) => a - b);
}
const soonest = 0, median = 1;

type Paint = { at: number; what: string };
const largestPaints = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<Paint[]>((done) =>
        new PerformanceObserver((list) =>
          done(list.getEntries().map((each) => ({ at: Math.round(each.startTime), what: (each as unknown as { element?: Element }).element?.outerHTML.slice(0, 90) ?? "gone" }))),
        ).observe({ type: "largest-contentful-paint", buffered: true }),
      ),
  );

for (const name of ["home", "product"] as const)
  test(`the largest paint of the ${name} page comes within a second on a slow phone`, async ({ browser, shop }, info) => {
    const [product] = (await shop.ask("GET", "/api/v1/products?limit=1&in_stock=true")).products;
    const path = name === "home" ? "/" : `/item/${product.id}`;
    // The server is warm, and so is the browser; each visit is a first one.
    test.setTimeout(240_000);
    await fetch(shop.url + path);
    let what = "";
    const seen = await three(async () => {
      const context = await browser.newContext({ ...info.project.use, baseURL: shop.url, viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true });
      const page = await context.newPage();
      await page.goto("/health");
      await slowDown(page);
      await page.goto(path);
      await expect(page.getByRole("button", { name: /^Cart,/ })).toBeVisible();
      await page.waitForLoadState("networkidle");
      const last = (await largestPaints(page)).at(-1)!;
      await context.close();
      what = last.what;
      return last.at;
    });
    console.log(`largest paint of ${name}: median ${seen[median]} ms of ${JSON.stringify(seen)}; it is ${what}`);
    expect(seen[soonest], JSON.stringify(seen)).toBeLessThanOrEqual(1_000);
  });

test("a press shows within a tenth of a second", async ({ page, shop }) => {
  test.setTimeout(120_000);
  const lamp = await shop.addProduct({ stock: 1_000 });
  await page.addInitScript(() => {
    const seen: { name: string; duration: number }[] = [];
    (window as unknown as { interactions: typeof seen }).interactions = seen;
    new PerformanceObserver((list) => {
      for (const each of list.getEntries() as (PerformanceEntry & { interactionId: number })[]) if (each.interactionId) seen.push({ name: each.name, duration: each.duration });
    }).observe({ type: "event", durationThreshold: 16, buffered: true } as PerformanceObserverInit);
  });
  type Seen = { name: string; duration: number };
  let bought = 0;
  const slowest = await three(async () => {
    const all: Seen[] = [];
    const keep = async () => all.push(...(await page.evaluate(() => (window as unknown as { interactions: Seen[] }).interactions)));
    await page.goto("/browse");
    await expect(page.getByRole("main").getByRole("listitem").first()).toBeVisible();
    await page.getByRole("combobox", { name: "Search" }).pressSequentially("copper kettle", { delay: 40 });
    await page.keyboard.press("Escape");
    await page.getByRole("main").getByRole("listitem").first().getByRole("link").first().click();
    await expect(page.getByRole("button", { name: "Add to cart" })).toBeVisible();
    await keep();
    await page.goto(`/item/${lamp.id}`);
    await page.getByRole("button", { name: "One more" }).click();
    await page.getByRole("button", { name: "Add to cart" }).click();
    await expect(page.getByText("Added to your cart")).toBeVisible();
    await page.getByTestId("open-cart").click();
    await expect(page.getByRole("dialog")).toContainText(lamp.name);
    await page.getByRole("dialog").getByRole("button", { name: "One more" }).click();
    await expect(page.getByRole("dialog")).toContainText(`$${(37.5 * ++bought).toFixed(2)}`);
    await keep();
    return Math.max(0, ...all.map((each) => each.duration));
  });
  console.log(`slowest interaction of a round: median ${slowest[median]} ms of ${JSON.stringify(slowest)}`);
  expect(slowest[soonest], JSON.stringify(slowest)).toBeLessThanOrEqual(100);
});
