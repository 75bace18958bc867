// Long lists of orders, scrolled through.
import type { Page } from "@playwright/test";
import { ada, expect, openConsole, test } from "./shop";

test.use({ shopFlags: ["--rate-principal-burst", "0", "--access-log", "off"] });

// Scrolls from the first to the last and back. `ids`: the last eight characters of each order's, as they must stand.
async function scrollThrough(page: Page, ids: string[]) {
  await expect(page.getByRole("main")).toContainText(`${ids.length.toLocaleString("en")} in all`);
  await expect(page.getByRole("row").nth(5)).toBeVisible();
  // Each frame goes on by most of a screen. What is on the screen is read in the frame it is painted in: every place from
  // the table's head to the screen's end has a row, and each row has the order that belongs there.
  const told = await page.evaluate(async (wanted) => {
    const frame = () => new Promise<number>((done) => requestAnimationFrame(done));
    const wrong: string[] = [], late: string[] = [], seen = new Set<number>();
    const table = document.querySelector<HTMLElement>("[role=table]")!;
    let slowest_ms = 0, most_rows = 0, last = await frame();
    const read = () => {
      const missing: string[] = [];
      const rows = [...table.querySelectorAll<HTMLElement>("[role=rowgroup] [role=row]")];
      most_rows = Math.max(most_rows, rows.length);
      const boxes = rows.map((row) => ({ row, box: row.getBoundingClientRect(), n: Number(row.getAttribute("aria-rowindex")) - 2 })).sort((a, b) => a.n - b.n);
      const top = table.firstElementChild!.getBoundingClientRect().bottom;
      const end = Math.min(innerHeight, table.getBoundingClientRect().bottom);
      let covered = top;
      for (const { row, box, n } of boxes) {
        if (box.bottom <= top || box.top >= end) continue;
        if (box.top > covered + 1) missing.push(`nothing between ${covered} and ${box.top} before row ${n}`);
        covered = Math.max(covered, box.bottom);
        seen.add(n);
        const id = row.querySelector("button")?.getAttribute("aria-label") ?? "";
        if (!id.endsWith(wanted[n] ?? "none")) wrong.push(`row ${n} is ${id}, not ${wanted[n]}`);
      }
      if (covered < end - 1) missing.push(`nothing between ${covered} and ${end} at ${scrollY}`);
      return missing;
    };
    // Rows that are still on their way from the shop have a second to come; how long the latest took is told.
    let latest_ms = 0;
    const look = async () => {
      let missing = read();
      if (!missing.length) return;
      late.push(...missing);
      const since = performance.now();
      while (missing.length && performance.now() - since < 1_000) {
        await frame();
        missing = read();
      }
      latest_ms = Math.max(latest_ms, performance.now() - since);
      wrong.push(...missing);
    };
    const began = performance.now();
    while (!seen.has(wanted.length - 1) && performance.now() - began < 150_000 && wrong.length < 10) {
      scrollBy(0, innerHeight * 0.7);
      const now = await frame();
      slowest_ms = Math.max(slowest_ms, now - last);
      last = now;
      await look();
    }
    // And back in leaps of ten screens.
    for (let at = scrollY; at > 0 && wrong.length < 10; at -= 9_000) {
      scrollTo(0, Math.max(0, at - 9_000));
      await frame();
      await look();
    }
    return { wrong, late: late.length, latest_ms: Math.round(latest_ms), seen: seen.size, most_rows, slowest_ms: Math.round(slowest_ms), took_ms: Math.round(performance.now() - began) };
  }, ids);
  console.log(`scrolling: ${JSON.stringify({ ...told, wrong: told.wrong.length })}`);
  expect(told.wrong).toEqual([]);
  expect(told.seen).toBe(ids.length);
  expect(told.most_rows).toBeLessThan(80);
}

test("orders of the shop scroll, each row in its place and none left out", async ({ page, shop }) => {
  test.setTimeout(120_000);
  const many = 500, at_once = 48;
  const bowl = await shop.addProduct({ name: "Bowl of many", stock: many, price: 12 });
  const customer = await shop.token(ada);
  let placed = 0;
  const place = async () => {
    while (placed < many) {
      ++placed;
      await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: bowl.id, quantity: 1 }], shipping_address: "Athens" }, customer);
    }
  };
  await Promise.all(Array.from({ length: at_once }, place));
  // As the API has them, newest first.
  const ids: string[] = [];
  const operator = await shop.token();
  for (let cursor = ""; ; ) {
    const { orders, next_cursor } = await shop.ask("GET", `/api/v1/orders?limit=100${cursor && `&cursor=${cursor}`}`, undefined, operator);
    ids.push(...orders.map((each: { id: string }) => each.id.slice(-8).toUpperCase()));
    if (!next_cursor) break;
    cursor = encodeURIComponent(next_cursor);
  }
  expect(ids).toHaveLength(many);
  await openConsole(page, shop, "/orders");
  await scrollThrough(page, ids);
});

test("ten thousand orders scroll, each row in its place and none left out", async ({ page, shop }) => {
  test.setTimeout(300_000);
  // Pages of a list that the shop would take minutes to fill: each order its own id, all else a real order's.
  const bowl = await shop.addProduct({ price: 12 });
  await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: bowl.id, quantity: 1 }], shipping_address: "Athens", payment_method: "tok_ok" }, await shop.token(ada));
  const { orders } = await shop.ask("GET", "/api/v1/orders?limit=1", undefined, await shop.token());
  const ids = Array.from({ length: 10_000 }, (_, n) => String((n * 7_919) % 10_007).padStart(8, "0"));
  await page.route(/\/api\/v1\/orders\?limit=100/, async (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const rows = ids.slice(from, from + 100).map((id) => ({ ...orders[0], id: `00000000-0000-7000-8000-0000${id}` }));
    await route.fulfill({ json: { orders: rows, total: ids.length, ...(from + 100 < ids.length ? { next_cursor: String(from + 100) } : {}) } });
  });
  await openConsole(page, shop, "/orders");
  await scrollThrough(page, ids);
});

test("what of a long list cannot be had is told and asked for once, and coming back fetches nothing anew", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ stock: 1_000 });
  const token = await shop.token(ada);
  for (let n = 0; n < 250; ++n) await shop.ask("POST", "/api/v1/orders", { items: [{ product_id: lamp.id, quantity: 1 }], shipping_address: "Athens", payment_method: "tok_ok" }, token);
  let broken = true, failed = 0, asked = 0;
  await page.route(/\/api\/v1\/orders\?.*cursor=/, async (route) => {
    if (!broken) return (++asked, route.continue());
    ++failed;
    await route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ status: 500, code: "internal", detail: "It broke." }) });
  });
  await openConsole(page, shop, "/orders");
  const end = () => page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await expect(page.getByRole("row").nth(5)).toBeVisible();
  await end();
  await expect(page.getByRole("alert")).toContainText("It broke.");
  // The first page is looked at again every five seconds, and with it whether the list goes on.
  await page.waitForResponse((each) => each.url().endsWith("/api/v1/orders?limit=100"));
  expect(failed).toBeLessThanOrEqual(2);
  broken = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
  // To its end, however many tests before this one have ordered.
  await expect.poll(async () => (await end(), page.getByRole("table", { name: "Orders" }).getAttribute("aria-rowcount")), { timeout: 30_000 }).not.toBe("-1");
  expect(asked).toBeGreaterThanOrEqual(2);
  await page.getByRole("table", { name: "Orders" }).getByRole("button").last().click();
  await expect(page.getByTestId("status")).toBeVisible();
  const lists: string[] = [];
  page.on("request", (each) => each.url().includes("/api/v1/orders?limit=100") && lists.push(each.url()));
  await page.goBack();
  await expect(page.getByRole("row").nth(5)).toBeVisible();
  // What the list asks for when it is shown goes out before this does.
  await page.evaluate(() => fetch("/api/v1/shop").then((answer) => answer.text()));
  expect(lists).toEqual([]);
});
