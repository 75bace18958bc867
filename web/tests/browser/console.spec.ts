// What an operator does, on a shop that customers use meanwhile.
import { ada, expect, openConsole, status, test } from "./shop";

test.use({ shopFlags: ["--shoppers", "20"] });

test("charts move by themselves, and a test order is in them within a second", async ({ page, shop }) => {
  await openConsole(page, shop);
  await expect(page.getByTestId("stream")).toHaveAttribute("data-state", "live");
  const orders = async () => Number((await page.getByTestId("orders-minute").textContent())!.replaceAll(",", ""));
  const before = await orders();
  await expect.poll(orders).not.toBe(before);
  const answered = page.waitForResponse((each) => each.url().endsWith("/api/v1/orders") && each.request().method() === "POST");
  await page.getByRole("button", { name: "Place a test order" }).click();
  const { id } = await (await answered).json();
  const seen = Date.now();
  await expect(page.getByTestId("test-order")).toBeVisible();
  await expect(page.getByRole("region", { name: "Latest orders" })).toContainText(id.slice(-8).toUpperCase());
  expect(Date.now() - seen).toBeLessThan(3_000);
  await page.getByTestId("test-order").click();
  await expect(status(page)).toHaveAttribute("data-status", "paid");
});

test("an order is shipped, delivered and refunded in parts, and only what is allowed is offered", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ price: 40 });
  const order = await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: lamp.id, quantity: 1 }], shipping_address: "Athens", payment_method: "tok_ok" }, await shop.token(ada));
  await openConsole(page, shop, `/orders/${order.id}`);
  await expect(status(page)).toHaveAttribute("data-status", "paid");
  const act = async (name: string) => {
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  };
  await expect(page.getByRole("button", { name: "Refund" })).toHaveCount(0);
  await act("Mark as shipped");
  await expect(status(page)).toHaveAttribute("data-status", "shipped");
  await expect(page.getByRole("button", { name: "Cancel order" })).toHaveCount(0);
  await act("Mark as delivered");
  await expect(status(page)).toHaveAttribute("data-status", "delivered");
  await page.getByRole("button", { name: "Refund" }).click();
  await page.getByLabel("Amount in USD").fill("15.50");
  await page.getByRole("dialog").getByRole("button", { name: "Refund" }).click();
  await expect(page.getByRole("region", { name: "Refunds" })).toContainText("succeeded");
  await expect(page.getByRole("region", { name: "Items" })).toContainText("$15.50");
  await expect(status(page)).toHaveAttribute("data-status", "delivered");
  await act("Refund");
  await expect(status(page)).toHaveAttribute("data-status", "refunded");
});

test("a catalogue is tried, imported with its bad rows told, and edited", async ({ page, shop }) => {
  await openConsole(page, shop, "/products");
  await page.getByRole("button", { name: "Import CSV" }).click();
  const csv = "sku,name,description,price,currency,category,stock\nIMP-1,Imported jug,Holds water.,19.00,USD,Kitchen,7\nIMP-2,Bad jug,No price.,abc,USD,Kitchen,1\n";
  await page.getByLabel("CSV file").setInputFiles({ name: "jugs.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
  await page.getByRole("button", { name: "Try it first" }).click();
  const report = page.getByTestId("import-report");
  await expect(report).toHaveAttribute("data-status", "done");
  await expect(report).toContainText("nothing has changed");
  await expect(report.getByRole("list", { name: "Bad rows" })).toContainText("price");
  expect((await shop.ask("GET", "/api/v1/products/search?q=Imported%20jug")).total).toBe(0);
  await page.getByRole("dialog").getByRole("button", { name: "Import", exact: true }).click();
  await expect(report).toHaveAttribute("data-dry-run", "false");
  await expect(report).toContainText("The catalogue is up to date.");
  await page.keyboard.press("Escape");
  await page.getByLabel("Search products").fill("imported jug");
  await page.getByRole("button", { name: "Edit Imported jug" }).click();
  await page.getByLabel("Price in USD").fill("21.5");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("table", { name: "Products" })).toContainText("$21.50");
});

test("what somebody else changed meanwhile is not overwritten", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ name: "Contested lamp" });
  await openConsole(page, shop, "/products");
  await page.getByLabel("Search products").fill("contested");
  await page.getByRole("button", { name: "Edit Contested lamp" }).click();
  await expect(page.getByLabel("Name")).toHaveValue("Contested lamp");
  await shop.ask("PUT", `/api/v1/products/${lamp.id}`, { price: 99 }, await shop.token());
  await page.getByLabel("Price in USD").fill("1");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("Somebody changed this meanwhile");
  expect((await shop.ask("GET", `/api/v1/products/${lamp.id}`)).price).toBe(99);
});

test("stock changes have their reason, keys their scopes, and the audit is clean", async ({ page, shop }) => {
  await shop.addProduct({ name: "Counted lamp", stock: 0 });
  await openConsole(page, shop, "/inventory?show=out");
  await page.getByRole("button", { name: "Stock of Counted lamp" }).click();
  await page.getByLabel(/By how many/).fill("12");
  await page.getByLabel("Reference").fill("delivery 77");
  await page.getByRole("button", { name: "Write it down" }).click();
  await expect(page.getByTestId("to-sell")).toHaveText("12");
  await expect(page.getByRole("dialog")).toContainText("delivery 77");
  await page.goto("/console/access");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name").fill("warehouse");
  await page.getByLabel("dead-letters:read").check();
  await page.getByRole("button", { name: "Make the key" }).click();
  const key = (await page.getByTestId("new-key").textContent())!.trim();
  expect(await shop.ask("GET", "/api/v1/dead-letters", undefined, undefined, { "X-API-Key": key })).toEqual({ letters: [], more: false });
  await expect(shop.ask("GET", "/api/v1/orders", undefined, undefined, { "X-API-Key": key })).rejects.toThrow(/403/);
  await page.goto("/console/health");
  await expect(page.getByRole("region", { name: "What it stands on" })).toContainText("ready");
  await page.getByRole("button", { name: "Check now" }).click();
  await expect(page.getByTestId("audit")).toHaveAttribute("data-clean", "true", { timeout: 30_000 });
});

test("ten thousand rows scroll, and those in view are always there", async ({ page, shop }) => {
  // The API is asked for real; its pages are repeated, since ten thousand real orders take longer than the test may.
  const bowl = await shop.addProduct({ price: 12 });
  await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: bowl.id, quantity: 1 }], shipping_address: "Athens", payment_method: "tok_ok" }, await shop.token(ada));
  const { orders } = await shop.ask("GET", "/api/v1/orders?limit=1", undefined, await shop.token());
  await page.route(/\/api\/v1\/orders\?limit=100/, async (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const rows = Array.from({ length: 100 }, (_, n) => ({ ...orders[0], id: `00000000-0000-7000-8000-${String(from + n).padStart(12, "0")}` }));
    await route.fulfill({ json: { orders: rows, total: 10_000, ...(from + 100 < 10_000 ? { next_cursor: String(from + 100) } : {}) } });
  });
  await openConsole(page, shop, "/orders");
  const last = page.getByRole("row").filter({ hasText: "00009999" });
  await expect.poll(async () => {
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    return last.count();
  }, { timeout: 30_000, intervals: [30] }).toBe(1);
  expect(await page.getByRole("row").count()).toBeLessThan(80);
  await page.evaluate(() => window.scrollTo(0, 0));
  await expect(page.getByRole("row").filter({ hasText: "00000000" })).toBeVisible();
});

test("a customer does not get in, and a page of another site opens no session", async ({ page, shop }) => {
  await page.goto("/console/orders");
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill(ada.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "This account does not run the shop" })).toBeVisible();
  await expect(shop.ask("GET", "/api/v1/dead-letters", undefined, await shop.token(ada))).rejects.toThrow(/403/);
  await expect(shop.ask("GET", "/api/v1/readiness")).rejects.toThrow(/401/);
  await expect(shop.ask("POST", "/session/shop/guest", {}, undefined, { "Sec-Fetch-Site": "cross-site" })).rejects.toThrow(/403/);
  expect(await shop.ask("POST", "/session/console/refresh", {})).toBeUndefined();
});

test("dark and light are remembered", async ({ page, shop }) => {
  await openConsole(page, shop);
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.getByRole("button", { name: "Light" })).toBeVisible();
});
