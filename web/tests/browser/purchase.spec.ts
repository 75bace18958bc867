// The purchase, from the first look to the last status, and everything that may come between.
import { ada, addToCart, expect, fillCheckout, signIn, status, test } from "./shop";

const place = "place-order";
const ordersOf = (all: { items: { product_id: string }[] }[], id: string) => all.filter((each) => each.items.some((line) => line.product_id === id));

test("a guest finds, orders and pays, and the cart is empty again", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ name: "Copper reading lamp" });
  await page.goto("/");
  await page.getByRole("combobox", { name: "Search" }).fill("coper readng");
  await page.getByRole("option", { name: /Copper reading lamp/ }).click();
  await expect(page.getByRole("heading", { name: "Copper reading lamp" })).toBeVisible();
  await expect(page.getByTestId("price")).toHaveText("$12.50");
  await page.getByRole("button", { name: "One more" }).click();
  await page.getByRole("button", { name: "Add to cart" }).click();
  await page.getByRole("button", { name: "Your cart" }).click();
  await expect(page.getByRole("dialog")).toContainText("$25.00");
  await page.getByRole("link", { name: "Go to checkout" }).click();
  await fillCheckout(page);
  await page.getByTestId(place).click();
  await expect(page).toHaveURL(/\/order\//);
  await expect(status(page)).toHaveAttribute("data-status", "paid");
  await expect(page.getByRole("button", { name: "Cart, 0 items" })).toBeVisible();
  const made = ordersOf(await shop.orders(), lamp.id);
  expect(made).toHaveLength(1);
  expect(made[0]).toMatchObject({ total_amount: 25, status: "paid", shipping_address: { name: "Zoe Quinn", country: "GR" } });
  // A guest's order opens again in this browser: the session outlives the reload.
  await page.reload();
  await expect(status(page)).toHaveAttribute("data-status", "paid");
});

test("a customer's cart comes along, the order is in the account, and cancelling gives the money back", async ({ page, shop }) => {
  const lamp = await shop.addProduct();
  await shop.ask("DELETE", "/api/v1/cart", undefined, await shop.token(ada)); // what tests before this one left there
  await addToCart(page, lamp.id);
  await signIn(page, ada, "/checkout");
  await fillCheckout(page);
  await page.getByTestId(place).click();
  await expect(status(page)).toHaveAttribute("data-status", "paid");
  await page.goto("/account");
  await page.getByRole("main").getByRole("listitem").first().getByRole("link").click();
  await page.getByRole("button", { name: "Cancel order" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel order" }).click();
  await expect(status(page)).toHaveAttribute("data-status", "cancelled");
  await expect(page.getByText("−$12.50")).toBeVisible();
  await page.goto("/account");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
});

test("whoever makes an account keeps the cart, and nothing secret is kept where scripts can read it", async ({ page, shop, context }) => {
  const lamp = await shop.addProduct();
  await addToCart(page, lamp.id);
  await page.goto("/join?then=/account");
  await page.getByLabel("First name").fill("Nia");
  await page.getByLabel("Last name").fill("Ray");
  await page.getByLabel("E-mail").fill(`nia-${lamp.sku.toLowerCase()}@example.com`);
  await page.getByLabel("Password").fill("password1");
  await page.getByRole("main").getByRole("button", { name: "Make an account" }).click();
  await expect(page.getByText("first passwords that are tried")).toBeVisible();
  await page.getByLabel("Password").fill("orbit-velvet-31");
  await page.getByRole("main").getByRole("button", { name: "Make an account" }).click();
  await expect(page.getByText("No orders yet")).toBeVisible();
  await expect(page.getByRole("button", { name: "Cart, 1 item" })).toBeVisible();
  const readable = await page.evaluate(() => JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }) + document.cookie);
  expect(readable).not.toMatch(/eyJ|[0-9a-f]{64}/);
  const [cookie] = (await context.cookies(`${shop.url}/session/shop/refresh`)).filter((each) => each.name === "stoa_session");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/session/shop" });
});

test("a declined card is told, the goods stay held, and another card pays the same order", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ stock: 1 });
  await addToCart(page, lamp.id);
  await fillCheckout(page, "Visa ending 0002");
  await page.getByTestId(place).click();
  await expect(status(page)).toHaveAttribute("data-status", "payment_failed");
  await expect(page.getByText("The bank declined the card.")).toBeVisible();
  expect((await shop.ask("GET", `/api/v1/products/${lamp.id}`)).stock).toBe(0);
  await page.getByText("Visa ending 4242", { exact: true }).click();
  await page.getByTestId("pay-again").dblclick();
  await expect(status(page)).toHaveAttribute("data-status", "paid");
  expect(ordersOf(await shop.orders(), lamp.id)).toHaveLength(1);
});

test("what sold out meanwhile is told before anything is charged", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ stock: 1 });
  await addToCart(page, lamp.id);
  await fillCheckout(page);
  const faster = await shop.token(ada);
  await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: lamp.id, quantity: 1 }], shipping_address: "Athens", payment_method: "tok_ok" }, faster);
  await page.getByTestId(place).click();
  await expect(page.getByRole("alert")).toContainText(/sold out|no longer|stock/i);
  await expect(page.getByText("Sold out. Remove it to go on.")).toBeVisible();
  await expect(page.getByTestId(place)).toBeDisabled();
  expect(ordersOf(await shop.orders(), lamp.id)).toHaveLength(1);
});

test("pressed twice, and come back to by the back button, it is one order", async ({ page, shop }) => {
  const lamp = await shop.addProduct();
  await addToCart(page, lamp.id);
  await fillCheckout(page, "Visa ending 0002");
  await page.getByTestId(place).dblclick();
  await expect(status(page)).toHaveAttribute("data-status", "payment_failed");
  const order = page.url();
  await page.goto("/checkout");
  await expect(page).toHaveURL(order);
  await page.goBack();
  expect(ordersOf(await shop.orders(), lamp.id)).toHaveLength(1);
});

test("an answer that is lost is asked for again: one order, one charge", async ({ page, shop }) => {
  const lamp = await shop.addProduct();
  await addToCart(page, lamp.id);
  await fillCheckout(page);
  let lost = 0;
  await page.route("**/api/v1/cart/checkout", async (route) => {
    await route.fetch(); // the shop does it
    ++lost;
    await route.abort("connectionreset"); // and nobody hears of it
  }, { times: 2 });
  await page.getByTestId(place).click();
  await expect(status(page)).toHaveAttribute("data-status", "paid");
  expect(lost).toBe(2);
  expect(ordersOf(await shop.orders(), lamp.id)).toHaveLength(1);
});

test("ordered without a connection, and back: one order, and what could not be shown is there by itself", async ({ page, context, shop }) => {
  const lamp = await shop.addProduct();
  await addToCart(page, lamp.id);
  await fillCheckout(page);
  await context.setOffline(true);
  await page.getByTestId(place).click();
  await expect(page.getByText(/connection was lost/i)).toBeVisible();
  await context.setOffline(false);
  await expect(status(page)).toHaveAttribute("data-status", "paid");
  expect(ordersOf(await shop.orders(), lamp.id)).toHaveLength(1);
  await page.goto("/browse");
  const first = page.getByRole("main").getByRole("listitem").first().getByRole("link").first();
  await expect(first).toBeVisible();
  await context.setOffline(true);
  await first.click();
  await expect(page.getByRole("alert")).toContainText("cannot be reached", { timeout: 15_000 });
  await context.setOffline(false);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
});

test("a reload in the middle of ordering leads to the order that was made", async ({ page, shop }) => {
  const lamp = await shop.addProduct();
  await addToCart(page, lamp.id);
  await fillCheckout(page, "Visa ending 0002");
  const made = new Promise<void>((done) => {
    void page.route("**/api/v1/cart/checkout", async (route) => {
      await route.fetch();
      done(); // the answer never comes: the page is gone before
    }, { times: 1 });
  });
  await page.getByTestId(place).click();
  await made;
  await page.reload();
  // What was typed is still there.
  await expect(page.getByLabel("City")).toHaveValue("Athens");
  await page.getByTestId(place).click();
  await expect(status(page)).toHaveAttribute("data-status", "payment_failed");
  expect(ordersOf(await shop.orders(), lamp.id)).toHaveLength(1);
});

test("two tabs that order one cart make one order, and both show it", async ({ context, shop }) => {
  const lamp = await shop.addProduct();
  const [one, other] = [await context.newPage(), await context.newPage()];
  await addToCart(one, lamp.id);
  await fillCheckout(one, "Visa ending 0002");
  await fillCheckout(other, "Mastercard ending 0069");
  await Promise.all([one.getByTestId(place).click(), other.getByTestId(place).click()]);
  for (const tab of [one, other]) await expect(status(tab)).toHaveAttribute("data-status", "payment_failed");
  expect(one.url()).toBe(other.url());
  expect(ordersOf(await shop.orders(), lamp.id)).toHaveLength(1);
});

test("the same thing can be bought again", async ({ page, shop }) => {
  const lamp = await shop.addProduct();
  const urls = new Set<string>();
  for (let n = 0; n < 2; ++n) {
    await addToCart(page, lamp.id);
    await fillCheckout(page);
    await page.getByTestId(place).click();
    await expect(status(page)).toHaveAttribute("data-status", "paid");
    await expect(page.getByRole("button", { name: "Cart, 0 items" })).toBeVisible();
    urls.add(page.url());
  }
  expect(urls.size).toBe(2);
});

test("facets narrow the grid, and the address keeps them", async ({ page }) => {
  await page.goto("/browse");
  await page.getByRole("radio", { name: "Kitchen" }).check();
  await page.getByRole("radio", { name: "Under $20" }).check();
  await expect(page).toHaveURL(/category=Kitchen.*max=20/);
  const shown = page.getByRole("main").getByRole("listitem");
  await expect(shown.first()).toBeVisible();
  for (const text of await shown.allTextContents()) expect(text).toContain("Kitchen");
  await page.reload();
  await expect(page.getByRole("radio", { name: "Kitchen" })).toBeChecked();
});

test("another category or search begins at its top, and the box says what the list was searched for", async ({ page }) => {
  await page.goto("/browse");
  const things = page.getByRole("main").getByRole("listitem");
  await expect(things.first()).toBeVisible();
  await page.evaluate(() => scrollTo(0, 1_500));
  await page.getByRole("navigation", { name: "Categories" }).getByRole("link", { name: "Desk" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Desk" })).toBeVisible();
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(0);
  const box = page.getByRole("combobox", { name: "Search" });
  for (const words of ["mug", "lamp"]) {
    await box.fill(words);
    await box.press("Enter");
    await expect(page.getByRole("heading", { level: 1 })).toContainText(words);
  }
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("mug");
  await expect(box).toHaveValue("mug");
  await page.getByRole("navigation", { name: "Categories" }).getByRole("link", { name: "Carry" }).click();
  await expect(box).toHaveValue("");
});

test("the keyboard is enough, and the shop speaks German", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("/");
  await page.keyboard.type("tepot");
  await expect(page.getByRole("option").first()).toContainText("teapot");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Moss stoneware teapot" })).toBeVisible();
  // The focus is never lost: not by a button that works for a while, and not by a panel that closes.
  const add = page.getByRole("button", { name: "Add to cart" });
  await add.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByText("Added to your cart")).toBeVisible();
  await expect(add).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Your cart" })).toBeFocused();
  await page.getByLabel("Language").selectOption("de");
  await expect(page.getByRole("button", { name: "In den Warenkorb" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "In den Warenkorb" })).toBeVisible();
});
