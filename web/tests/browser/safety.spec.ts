// What customers and files write is text on every page, whatever it looks like; and what a first visit costs.
import { expect, openConsole, test } from "./shop";

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
  test.setTimeout(120_000);
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
  await openConsole(page, shop);
  for (const path of ["/products", "/inventory", `/orders/${order.id}`, "/orders", "/mailbox", "/analytics"]) {
    await page.goto(`/console${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
    await safe();
  }
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
