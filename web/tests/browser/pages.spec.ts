// Every page at three widths: no barrier for assistive technology, nothing beyond the edge, nothing refused.
import AxeBuilder from "@axe-core/playwright";
import { addToCart, ada, expect, openConsole, signIn, test } from "./shop";
import type { Page } from "@playwright/test";

const widths = [360, 768, 1440];

// What makes the page wider than its window, innermost first. Charts follow a change of the width with their next frame.
function beyondTheEdge() {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > edge + 0.5);
  const width = `the page is ${document.documentElement.scrollWidth} px wide`;
  return [width, ...wide.map((each) => each.outerHTML.slice(0, 160)).reverse().slice(0, 12)];
}

async function look(page: Page, name: string, ready = page.getByRole("heading", { level: 1 }).first()) {
  await expect(ready).toBeVisible();
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
  // What fades in is judged when it is there.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((each) => each.effect?.getComputedTiming().iterations === 1).map((each) => each.finished)));
  for (const width of widths) {
    await page.setViewportSize({ width, height: width < 600 ? 780 : 900 });
    await expect.poll(() => page.evaluate(beyondTheEdge), { message: `${name} is not wider than ${width} px`, timeout: 2_000 }).toEqual([]);
    if (process.env.STOA_TEST_SCREENS) await page.screenshot({ path: `${process.env.STOA_TEST_SCREENS}/${name}-${width}.png`, fullPage: true });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const told = violations.filter((each) => each.impact !== "minor");
    expect.soft(told.map((each) => `${name} at ${width}: ${each.id}: ${each.nodes.map((node) => node.target).join(" | ")}`)).toEqual([]);
  }
}

test("the storefront's pages, looking around", async ({ page, shop }) => {
  test.setTimeout(240_000);
  const lamp = await shop.addProduct({ name: "A lamp without a picture" });
  for (const [name, path] of [["home", "/"], ["browse", "/browse"], ["search", "/browse?q=lamp"], ["nothing", "/browse?q=zzzzqqq"], ["item", `/item/${lamp.id}`], ["gone", "/item/nothing"], ["sign-in", "/sign-in"], ["join", "/join"], ["reset", "/reset"], ["empty-checkout", "/checkout"], ["api", "/docs"]] as const) {
    await page.goto(path);
    await look(page, name, page.getByRole("heading", { level: name === "nothing" ? 2 : 1 }).first());
  }
});

test("an address that there is not is told as that, by the shop's own page", async ({ page }) => {
  for (const path of ["/no/such/page", "/item/nothing", "/item/018f0000-0000-7000-8000-000000000002"]) {
    const answer = await page.goto(path);
    expect(answer!.status(), path).toBe(404);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.getByRole("link", { name: "Stoa" }).first()).toBeVisible();
  }
});

test("the storefront's pages, buying", async ({ page, shop }) => {
  test.setTimeout(240_000);
  const lamp = await shop.addProduct({ name: "A lamp without a picture" });
  await addToCart(page, lamp.id);
  await page.getByTestId("open-cart").click();
  await expect(page.getByRole("dialog")).toContainText(lamp.name);
  await look(page, "cart-drawer", page.getByRole("dialog"));
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto("/checkout");
  await page.getByTestId("place-order").click();
  await expect(page.getByText("Please fill this in.").first()).toBeVisible();
  await look(page, "checkout");
  const order = await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: lamp.id, quantity: 2 }], shipping_address: { name: "Ada", street: "1 Stoa Way", city: "Athens", country: "GR" }, payment_method: "tok_declined" }, await shop.token(ada));
  await signIn(page, ada, `/order/${order.id}`);
  await expect(page.getByTestId("status")).toHaveAttribute("data-status", "payment_failed");
  await look(page, "order");
  await page.getByRole("button", { name: "Cancel order" }).click();
  await look(page, "order-cancel", page.getByRole("dialog"));
  await page.keyboard.press("Escape");
  await page.goto("/account");
  await look(page, "account");
  await page.goto("/account/profile");
  await look(page, "profile");
});

// The states of an order are read without a lens on the smallest screen: their letters are 10 px high at least.
test("the graph of an order's states is readable at 360 px, and wholly on the screen", async ({ page, shop }) => {
  const lamp = await shop.addProduct();
  const order = await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: lamp.id, quantity: 1 }], shipping_address: "Athens", payment_method: "tok_ok" }, await shop.token(ada));
  await openConsole(page, shop, `/orders/${order.id}`);
  const graph = page.getByRole("img", { name: /^The order is paid\. It may become shipped, cancelled\./ });
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    await expect(graph).toHaveCount(1);
    const box = (await graph.boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    const letters = await graph.evaluate((svg: SVGSVGElement) => [...svg.querySelectorAll("text")].map((text) => 12 * text.getScreenCTM()!.a));
    expect(letters).toHaveLength(9);
    for (const each of letters) expect(each, `at ${width}`).toBeGreaterThanOrEqual(10);
  }
});

for (const theme of ["light", "dark"] as const)
  test(`the console's pages, ${theme}`, async ({ browser, shop, watched }) => {
    test.setTimeout(480_000);
    const context = await browser.newContext({ colorScheme: theme, baseURL: shop.url, viewport: { width: 1440, height: 900 } });
    context.on("weberror", (error) => watched.failures.push(String(error.error())));
    const page = await context.newPage();
    await page.goto("/console");
    await look(page, `console-sign-in-${theme}`);
    // What is long or large has its place too.
    const product = await shop.addProduct({ name: `Lamp${"lamp".repeat(40)}`, price: 9_999_999.99, stock: 5 });
    const order = await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: product.id, quantity: 3 }], shipping_address: "Athens", payment_method: "tok_ok" }, await shop.token(ada));
    await page.setViewportSize({ width: 1440, height: 900 });
    await openConsole(page, shop);
    for (const path of ["", "/orders", `/orders/${order.id}`, "/products", "/inventory", "/customers", "/analytics", "/events", "/mailbox", "/access", "/health"]) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(`/console${path}`);
      await look(page, `console${path.replace(order.id, "one").replaceAll("/", "-")}-${theme}`);
    }
    // What opens over them.
    const panel = async (name: string, path: string, open: (page: Page) => Promise<unknown>) => {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(`/console${path}`);
      await open(page);
      await look(page, `console-panel-${name}-${theme}`, page.getByRole("dialog"));
    };
    const row = (label: string) => page.getByRole("table", { name: label }).getByRole("button").first();
    await panel("ship", `/orders/${order.id}`, () => page.getByRole("button", { name: "Mark as shipped" }).click());
    await panel("cancel", `/orders/${order.id}`, () => page.getByRole("button", { name: "Cancel order" }).click());
    await panel("product", "/products", () => row("Products").click());
    await panel("new-product", "/products", () => page.getByRole("button", { name: "New product" }).click());
    await panel("import", "/products", () => page.getByRole("button", { name: "Import CSV" }).click());
    await panel("stock", "/inventory", () => row("Inventory").click());
    await panel("customer", "/customers", () => row("Customers").click());
    await panel("key", "/access", () => page.getByRole("button", { name: "New key" }).click());
    await page.setViewportSize({ width: 360, height: 780 });
    await page.goto("/console");
    await page.getByRole("button", { name: "Open the menu" }).click();
    await expect(page.getByRole("navigation", { name: "Console" })).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((each) => each.id)).toEqual([]);
    if (process.env.STOA_TEST_SCREENS) await page.screenshot({ path: `${process.env.STOA_TEST_SCREENS}/console-menu-${theme}-360.png` });
    await context.close();
  });
