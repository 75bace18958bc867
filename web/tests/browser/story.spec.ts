// What an operator is told of one order and of the log, without anything beside the shop.
import { ada, expect, openConsole, status, test } from "./shop";

test("an order's page tells its whole story across services, and its trace", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ name: "Told lamp", price: 40 });
  const order = await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: lamp.id, quantity: 2 }], shipping_address: "Athens", payment_method: "tok_ok" }, await shop.token(ada));
  await openConsole(page, shop, `/orders/${order.id}`);
  await expect(status(page)).toHaveAttribute("data-status", "paid");
  const story = page.getByTestId("story").getByRole("listitem");
  for (const [service, what] of [["stock", "units held"], ["order", "order.created"], ["order", "payment.requested"], ["payment", "payment.succeeded"], ["order", "order.paid"], ["stock", "sold −2"], ["notification", "email sent"]] as const)
    await expect(story.filter({ hasText: service }).filter({ hasText: what }).first()).toBeVisible();
  await story.filter({ hasText: "order.created" }).getByText("orders, partition").click();
  await expect(page.getByLabel("Payload of order.created")).toContainText(order.id);
  const trace = page.getByTestId("trace").first();
  await expect(trace.getByText("CreateOrder", { exact: true })).toBeVisible();
  for (const group of ["payment", "product", "notification"]) await expect(trace.getByRole("listitem").filter({ hasText: group }).first()).toBeVisible();
  // What an operator does now is one step more, and a trace of its own.
  await page.getByRole("button", { name: "Mark as shipped" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Mark as shipped" }).click();
  await expect(story.filter({ hasText: "order.shipped" })).toBeVisible();
  await expect(page.getByTestId("trace").filter({ hasText: "ShipOrder" })).toBeVisible();
});

test("a topic is tailed as it grows, and an order is found by its id", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ name: "Tailed lamp" });
  await openConsole(page, shop, "/events");
  await page.getByRole("list", { name: "Topics" }).getByRole("button", { name: /^payment\.succeeded/ }).click();
  const order = await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: lamp.id, quantity: 1 }], shipping_address: "Athens", payment_method: "tok_ok" }, await shop.token(ada));
  const seen = page.getByRole("list", { name: "Latest events of payment.succeeded" }).getByRole("listitem").filter({ hasText: order.id.slice(-8).toUpperCase() });
  await expect(seen).toHaveCount(1);
  await seen.getByText("Payload").click();
  await expect(seen).toContainText(order.id);
  await expect(page.getByRole("button", { name: /^notifications/ })).toHaveCount(0);
  await page.getByLabel("Id of an order").fill(order.id);
  await page.getByRole("button", { name: "Its story" }).click();
  await expect(page.getByTestId("story")).toContainText("order.paid");
});

test("what is bought together stands beside a product", async ({ page, shop }) => {
  const pot = await shop.addProduct({ name: "Paired pot", category: "Paired" }), cup = await shop.addProduct({ name: "Paired cup", category: "Elsewhere" });
  const tray = await shop.addProduct({ name: "Paired tray", category: "Paired" });
  await page.goto(`/item/${pot.id}`);
  await expect(page.getByRole("region", { name: "More in Paired" })).toContainText(tray.name);
  await expect(page.getByRole("region", { name: "Often bought together" })).toHaveCount(0);
  await shop.ask("POST", "/api/v1/orders", { items: [pot, cup].map(({ id }) => ({ product_id: id, quantity: 1 })), shipping_address: "Athens", payment_method: "tok_ok" }, await shop.token(ada));
  await expect.poll(async () => (await shop.ask("GET", `/api/v1/products/${pot.id}/related`)).bought_together).toBe(1);
  await page.reload();
  await expect(page.getByRole("region", { name: "Often bought together" })).toContainText(cup.name);
  await page.getByRole("region", { name: "Often bought together" }).getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(cup.name);
});

test("each role sees and may do its part only", async ({ page, shop }) => {
  const lamp = await shop.addProduct();
  const guest = (await shop.ask("POST", "/api/v1/auth/guest", {})).token, customer = await shop.token(ada), operator = await shop.token();
  const order = await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: lamp.id, quantity: 1 }], shipping_address: "Athens", payment_method: "tok_ok" }, customer);
  await expect.poll(async () => (await shop.ask("GET", `/api/v1/orders/${order.id}`, undefined, customer)).status).toBe("paid");
  const answer = async (method: string, path: string, token?: string, body: unknown = method === "GET" ? undefined : {}) =>
    (await fetch(shop.url + path, { method, headers: token ? { Authorization: `Bearer ${token}` } : {}, body: body === undefined ? undefined : JSON.stringify(body) })).status;
  // Nobody, a guest, another customer's things, an operator.
  for (const [method, path, ...wanted] of [
    ["GET", "/api/v1/products", 200, 200, 200, 200],
    ["GET", "/api/v1/orders", 401, 200, 200, 200],
    ["GET", `/api/v1/orders/${order.id}`, 401, 404, 200, 200],
    ["GET", `/api/v1/orders/${order.id}/story`, 401, 403, 403, 200],
    ["GET", "/api/v1/log/orders", 401, 403, 403, 200],
    ["POST", `/api/v1/orders/${order.id}/ship`, 401, 403, 403, 200],
    ["POST", "/api/v1/products", 401, 403, 403, 422],
    ["GET", "/api/v1/users", 401, 403, 403, 200],
    ["GET", "/api/v1/api-keys", 401, 403, 403, 200],
    ["POST", "/api/v1/dead-letters/redrive", 401, 403, 403, 200],
    ["POST", `/api/v1/holds/${order.id}/release`, 401, 403, 403, 403],
  ] as const)
    expect([method, path, await answer(method, path), await answer(method, path, guest), await answer(method, path, customer), await answer(method, path, operator)]).toEqual([method, path, ...wanted]);
  // A visitor is asked to sign in, and sees nothing of the rooms.
  await page.goto(`/console/orders/${order.id}`);
  await expect(page.getByRole("heading", { name: "Operator console" })).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Console" })).toHaveCount(0);
});

test("the API's page tries operations for real, with a token it got itself", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ name: "Documented lamp" });
  const open = async (id: string) => {
    await page.locator(`#${id} > summary`).click();
    return page.locator(`#${id}`);
  };
  await page.goto("/docs");
  const read = await open("GetProduct");
  await read.getByLabel("id *").fill(lamp.id);
  await read.getByRole("button", { name: "Send" }).click();
  await expect(read.locator(".answer")).toContainText("200 OK");
  await expect(read.locator(".answer")).toContainText("Documented lamp");
  const orders = await open("ListOrders");
  await orders.getByRole("button", { name: "Send" }).click();
  await expect(orders.locator(".answer")).toContainText("401");
  const guest = await open("CreateGuest");
  await guest.getByRole("button", { name: "Send" }).click();
  await guest.getByRole("button", { name: "Use this token" }).click();
  const cart = await open("AddCartItem");
  await cart.getByLabel("Request body").fill(JSON.stringify({ product_id: lamp.id, quantity: 2 }));
  await cart.getByRole("button", { name: "Send" }).click();
  await expect(cart.locator(".answer")).toContainText('"units": 2');
  await orders.getByRole("button", { name: "Send" }).click();
  await expect(orders.locator(".answer")).toContainText("200 OK");
});
