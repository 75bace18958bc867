// What an operator does now and then: counting stock, giving keys, and putting right what went wrong.
import { execFileSync } from "node:child_process";
import { ada, expect, openConsole, test } from "./shop";

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
  await expect(shop.ask("GET", "/api/v1/orders", undefined, undefined, { "X-API-Key": key })).rejects.toThrow(/403.*orders:read/);
  await page.goto("/console/health");
  await expect(page.getByRole("region", { name: "What it stands on" })).toContainText("ready");
  await page.getByRole("button", { name: "Check now" }).click();
  await expect(page.getByTestId("audit")).toHaveAttribute("data-clean", "true", { timeout: 30_000 });
});

// Events that no service of this version would write: one that cannot be read, and a good one behind it.
const publish = `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/shop.db")
for name, payload in (("bad", "{"), ("behind", json.dumps({"productId": sys.argv[2]}))):
    partition, position = db.execute(
        "SELECT p.id, max(coalesce((SELECT max(position) + 1 FROM events WHERE position >= p.id << 40 AND position < (p.id + 1) "
        "<< 40), (p.id << 40) + p.first_offset)) FROM log_partitions p WHERE topic = 'product.deleted' AND partition = 0").fetchone()
    assert partition
    db.execute("INSERT INTO events (position, accepted_at, key, id, type, version, occurred_at, traceparent, payload) "
               "VALUES (?, 0, ?, ?, 'product.deleted', 1, 0, '', ?)", (position, sys.argv[2], name, payload))
db.commit()
`;

test("a dead letter is told, tried again, forgotten, and what waited behind it is applied", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ name: "Lamp in a cart" });
  await shop.ask("POST", "/api/v1/cart/items", { product_id: lamp.id, quantity: 1 }, await shop.token(ada));
  await shop.whileStopped(() => void execFileSync("python3", ["-c", publish, shop.folder, lamp.id]));
  await page.goto(`${shop.url}/console`);
  await page.getByLabel("E-mail").fill(shop.operator.email);
  await page.getByLabel("Password").fill(shop.operator.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  // The home page says that something waits, and leads there.
  const attention = page.getByRole("region", { name: "Needs a person" });
  await expect(attention).toContainText("2 events could not be applied");
  await attention.getByRole("link", { name: "events could not be applied" }).click();
  const letters = page.getByRole("region", { name: "Dead letters" });
  await expect(letters.getByRole("listitem")).toHaveCount(2);
  await expect(letters).toContainText("payload ill formed");
  await letters.getByRole("button", { name: "Apply all once more" }).click();
  await expect(letters.getByRole("status")).toContainText("0 of 2 applied");
  await expect(letters.getByRole("listitem").filter({ hasText: "behind a dead letter" })).toHaveCount(1);
  await letters.getByRole("listitem").filter({ hasText: "payload ill formed" }).getByRole("button", { name: "Forget" }).click();
  await letters.getByRole("button", { name: "Really forget" }).click();
  await expect(letters.getByRole("listitem")).toHaveCount(1);
  await letters.getByRole("button", { name: "Apply", exact: true }).click();
  await expect(letters).toContainText("None. An event that cannot be applied waits here");
  await expect(letters.getByRole("status")).toContainText("1 of 1 applied");
  await expect.poll(async () => (await shop.ask("GET", "/api/v1/cart", undefined, await shop.token(ada))).items).toEqual([]);
});
