// What an operator does, on a shop that customers use meanwhile.
import { ada, expect, openConsole, status, test } from "./shop";

test.use({ shopFlags: ["--shoppers", "20"] });

test("charts move by themselves while customers look and buy", async ({ page, shop }) => {
  await openConsole(page, shop);
  await expect(page.getByTestId("stream")).toHaveAttribute("data-state", "live");
  const chart = page.getByTestId("chart");
  const drawn = async () => Number(await chart.getAttribute("data-sum"));
  const before = await drawn();
  await expect.poll(drawn).toBeGreaterThan(before);
  await expect.poll(async () => Number(await page.getByTestId("viewers-minute").textContent())).toBeGreaterThan(0);
  await expect(page.getByTestId("stuck")).toHaveAttribute("data-orders", "0");
  await expect(page.getByTestId("stuck")).toContainText("No order is stuck");
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
