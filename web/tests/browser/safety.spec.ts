// What customers and files write is text on every page, whatever it looks like; and what a first visit costs.
import { expect, openConsole, signIn, test } from "./shop";

const marker = "window.stoaPwned=1";
const attacks = [
  `<script>${marker}</script>`, `"><script>${marker}</script>`, `'><script>${marker}</script>`, `</title><script>${marker}</script>`, `</textarea><script>${marker}</script>`,
  `<img src=x onerror=${marker}>`, `"><img src=x onerror=${marker}>`, `<img src="x" onerror="${marker}">`, `<img/src=x/onerror=${marker}>`, `<IMG SRC=x OnErRoR=${marker}>`,
  `<svg onload=${marker}>`, `<svg/onload=${marker}>`, `<svg><script>${marker}</script></svg>`, `<svg><animate onbegin=${marker} attributeName=x dur=1s>`, `<svg><a xlink:href="javascript:${marker}">x</a></svg>`,
  `<body onload=${marker}>`, `<iframe src="javascript:${marker}">`, `<iframe srcdoc="<script>parent.${marker}</script>">`, `<object data="javascript:${marker}">`, `<embed src="javascript:${marker}">`,
  `<a href="javascript:${marker}">x</a>`, `<form action="javascript:${marker}"><input type=submit autofocus>`, `<input autofocus onfocus=${marker}>`, `<select autofocus onfocus=${marker}>`, `<textarea autofocus onfocus=${marker}>`,
  `<details open ontoggle=${marker}>`, `<video><source onerror=${marker}></video>`, `<audio src=x onerror=${marker}>`, `<marquee onstart=${marker}>`, `<math><mtext><script>${marker}</script></mtext></math>`,
  `<style>@import'data:text/css,*{x:expression(${marker})}'</style>`, `<style onload=${marker}></style>`, `<link rel=stylesheet href="javascript:${marker}">`, `<meta http-equiv=refresh content="0;javascript:${marker}">`, `<base href="javascript:${marker}//">`,
  `{{constructor.constructor('${marker}')()}}`, `\${${marker}}`, `#{${marker}}`, `<%= ${marker} %>`, `{{$t(${marker})}}`,
  `javascript:${marker}`, `data:text/html,<script>${marker}</script>`, `&lt;script&gt;${marker}&lt;/script&gt;`, `&#60;script&#62;${marker}&#60;/script&#62;`, `\\u003cscript\\u003e${marker}`,
  `<noscript><p title="</noscript><img src=x onerror=${marker}>">`, `<template><script>${marker}</script></template>`, `<x onclick=${marker} autofocus tabindex=1>`, `<div style="background:url(javascript:${marker})">`, `--><script>${marker}</script><!--`,
];

test("fifty stored attacks stay what they are: text", async ({ page, shop }) => {
  test.setTimeout(240_000);
  expect(new Set(attacks).size).toBe(50);
  page.on("dialog", (dialog) => void dialog.dismiss());
  const token = await shop.token();
  const ids: string[] = [];
  for (const [n, text] of attacks.entries())
    ids.push((await shop.ask("POST", "/api/v1/products", { sku: `X-${n}`, name: text, description: text, category: n < 3 ? text.slice(0, 90) : "Attacks", price: 1, currency: "USD", stock: 5, image_url: n % 2 ? undefined : `/images/${encodeURIComponent(text)}` }, token)).id);
  const guest = await shop.ask("POST", "/api/v1/auth/guest", {});
  const order = await shop.ask("POST", "/api/v1/orders", { items: ids.slice(0, 50).map((product_id) => ({ product_id, quantity: 1 })), shipping_address: { name: attacks[5], street: attacks[0], city: attacks[10], country: attacks[15] }, payment_method: "tok_ok", reference: "xss" }, guest.token);
  const safe = async () => expect(await page.evaluate(() => "stoaPwned" in window)).toBe(false);
  await page.goto("/browse?category=Attacks&sort=name");
  const shown = page.getByRole("main").getByRole("listitem");
  await expect(shown.first()).toBeVisible();
  const more = page.getByRole("button", { name: "Show more" });
  while (await more.isVisible()) {
    const before = await shown.count();
    await more.click();
    // The button of the last page is there, and disabled, until that page has come.
    await expect.poll(() => shown.count()).toBeGreaterThan(before);
  }
  expect(await shown.count()).toBeGreaterThanOrEqual(attacks.length - 3);
  await safe();
  for (const [n, id] of ids.entries()) {
    if (n % 5) continue; // the grid has shown all of them
    await page.goto(`/item/${id}`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(attacks[n]!);
    await safe();
  }
  await page.goto(`/browse?q=${encodeURIComponent(attacks[1]!)}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("<script>");
  await safe();
  await page.goto(`/sign-in?then=${encodeURIComponent("javascript:window.stoaPwned=1")}`);
  await safe();
  // A customer whose name and address are attacks, with a cart and orders of them: whatever is shown of a person.
  const mallory = { email: `mallory@example.com`, password: "orbit-velvet-31" };
  const person = await shop.ask("POST", "/api/v1/auth/register", { ...mallory, first_name: attacks[5], last_name: attacks[0] });
  await shop.ask("PUT", "/api/v1/users/me", { phone: "+30 210 0000000" }, person.token);
  const address = { name: attacks[7], street: attacks[1], city: attacks[11], zip: "10557", state: attacks[25], country: attacks[20]!.slice(0, 60) };
  const bought = await shop.ask("POST", "/api/v1/orders", { items: ids.slice(0, 10).map((product_id) => ({ product_id, quantity: 1 })), shipping_address: address, payment_method: "tok_declined", reference: "xss-2" }, person.token);
  for (const product_id of ids.slice(0, 12)) await shop.ask("POST", "/api/v1/cart/items", { product_id, quantity: 1 }, person.token);
  await shop.ask("POST", "/api/v1/events", { user_id: attacks[0], product_id: ids[0], event_type: "VIEW_PRODUCT", timestamp: new Date().toISOString(), metadata: { session_id: attacks[10], query: attacks[1] } });
  await signIn(page, mallory);
  await safe();
  const quiet = async () => {
    await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
    await safe();
  };
  // Each page shows some of it, and as it was written.
  const shows = async (path: string, what: string, where = page.getByRole("main")) => {
    await page.goto(path);
    await expect(where).toContainText(what);
    await quiet();
  };
  await shows("/account", "Order");
  await page.goto("/account/profile");
  await expect(page.getByLabel("First name")).toHaveValue(attacks[5]!);
  await quiet();
  await shows(`/order/${bought.id}`, attacks[7]!);
  await expect(page.getByRole("main")).toContainText(attacks[0]!);
  await shows("/checkout", attacks[0]!);
  await page.goto("/");
  await page.getByTestId("open-cart").click();
  await expect(page.getByRole("dialog")).toContainText(attacks[0]!);
  await quiet();
  await page.keyboard.press("Escape");
  await page.getByRole("combobox", { name: "Search" }).fill(attacks[5]!);
  await quiet();
  // The API's page shows what the API answers.
  await shows("/docs", "List Orders", page.locator("body"));
  await page.locator("#GetProduct > summary").click();
  await page.locator("#GetProduct").getByLabel("id *").fill(ids[0]!);
  await page.locator("#GetProduct").getByRole("button", { name: "Send" }).click();
  await expect(page.locator("#GetProduct .answer")).toContainText("<script>");
  await safe();

  await openConsole(page, shop);
  for (const [path, what] of [
    ["", attacks[0]],
    ["/orders", attacks[0]],
    [`/orders/${order.id}`, attacks[0]],
    [`/orders/${bought.id}`, attacks[7]],
    ["/products", "Products"],
    ["/inventory", "Inventory"],
    ["/customers", attacks[5]],
    ["/analytics", "Analytics"],
    ["/events", "Events"],
    ["/mailbox", "Mailbox"],
    ["/access", "Access"],
    ["/health", "Health"],
  ] as const)
    await shows(`/console${path}`, what!);
  // What opens: a customer's record, a product's form, its stock, an event's payload, a message.
  await page.goto("/console/customers");
  await page.getByRole("table", { name: "Customers" }).getByRole("button", { name: attacks[5]! }).first().click();
  await expect(page.getByRole("dialog")).toContainText(mallory.email);
  await expect(page.getByRole("dialog")).toContainText(attacks[5]!);
  await quiet();
  await page.goto("/console/products");
  await page.getByRole("table", { name: "Products" }).getByRole("button").first().click();
  await expect(page.getByRole("dialog").getByLabel("Name")).toBeVisible();
  await quiet();
  await page.goto("/console/inventory");
  await page.getByRole("table", { name: "Inventory" }).getByRole("button").first().click();
  await expect(page.getByTestId("to-sell")).toBeVisible();
  await quiet();
  await page.goto("/console/events");
  for (const [topic, what] of [["orders", attacks[0]], ["ecom-raw-events", attacks[0]]] as const) {
    await page.getByRole("list", { name: "Topics" }).getByRole("button", { name: new RegExp(`^${topic}[^.]`) }).click();
    const tail = page.getByRole("list", { name: `Latest events of ${topic}` });
    await expect(tail.getByRole("listitem").first()).toBeVisible();
    for (const each of await tail.getByText("Payload", { exact: true }).all()) await each.click();
    await expect(tail).toContainText(JSON.stringify(what!).slice(1, -1));
    await quiet();
  }
  await page.goto("/console/mailbox");
  await page.getByRole("list", { name: "Messages" }).getByRole("button").first().click();
  await expect(page.locator("pre")).toBeVisible();
  await quiet();
});

test("a first visit costs at most 130 kB of compressed script, and assets are kept for good", async ({ page, shop }) => {
  const scripts: string[] = [];
  page.on("response", (each) => each.request().resourceType() === "script" && scripts.push(each.url()));
  await page.goto("/", { waitUntil: "networkidle" });
  expect(scripts.length).toBeGreaterThan(1);
  let bytes = 0;
  for (const url of scripts) {
    // gzip is what every browser gets on plain http; br is smaller still.
    const answer = await fetch(url, { headers: { "Accept-Encoding": "gzip" } });
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    bytes += Number(answer.headers.get("content-length"));
  }
  test.info().annotations.push({ type: "script bytes", description: String(bytes) });
  expect(bytes).toBeLessThanOrEqual(130_000);
  const again = await fetch(scripts[0]!, { headers: { "Accept-Encoding": "br" } });
  expect(again.headers.get("content-encoding")).toBe("br");
  expect((await fetch(`${shop.url}/`)).headers.get("content-security-policy")).not.toContain("unsafe");
});
