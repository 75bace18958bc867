// A forgotten password, and a keyboard that is enough everywhere: the focus is where the work is.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { ada, addToCart, expect, fillCheckout, grace, openConsole, status, test } from "./shop";

const focused = (page: Page) => page.evaluate(() => document.activeElement?.tagName.toLowerCase());

test("a forgotten password is set anew with the token of the mail, and the old one is worth nothing", async ({ page, shop }) => {
  await page.goto("/sign-in");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("E-mail").fill(grace.email);
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Token")).toBeFocused();
  const mail = async () => {
    const file = join(shop.folder, "mailbox.mbox");
    return /^Reset code: (\S+)/m.exec(existsSync(file) ? readFileSync(file, "utf8") : "")?.[1];
  };
  await expect.poll(mail).toBeTruthy();
  await page.getByLabel("Token").fill("not-the-token");
  await page.getByLabel("New password").fill("velvet-orbit-77");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("too old");
  await page.getByLabel("Token").fill((await mail())!);
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByText("Your password is set.")).toBeVisible();
  expect(await focused(page)).not.toBe("body");
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail").fill(grace.email);
  await page.getByLabel("Password").fill(grace.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("wrong");
  await page.getByLabel("Password").fill("velvet-orbit-77");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/account$/);
  // The link of a mail brings its token along.
  await page.goto("/reset?token=abc");
  await expect(page.getByLabel("Token")).toHaveValue("abc");
});

test("the focus outlives everything that is pressed in the storefront", async ({ page, shop }) => {
  const [lamp, pot] = [await shop.addProduct({ name: "Focused lamp" }), await shop.addProduct({ name: "Focused pot" })];
  const press = async (name: string | RegExp, within = page.getByRole("main")) => {
    await within.getByRole("button", { name }).first().focus();
    await page.keyboard.press("Enter");
  };
  // A sign-in that is refused leaves the focus on the button, one that is not at the next page's beginning.
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill("wrong horse 9");
  await press("Sign in");
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByRole("main").getByRole("button", { name: "Sign in" })).toBeFocused();
  await page.getByLabel("Password").fill(ada.password);
  await press("Sign in");
  await expect(page).toHaveURL(/\/account$/);
  await expect(page.getByRole("main")).toBeFocused();
  await page.goto("/account/profile");
  await press("Save");
  await expect(page.getByText("Saved", { exact: false }).last()).toBeVisible();
  await expect(page.getByRole("button", { name: "Save" })).toBeFocused();
  // Lines that leave the cart.
  for (const each of [lamp, pot]) await addToCart(page, each.id);
  await page.getByTestId("open-cart").click();
  const drawer = page.getByRole("dialog");
  for (const left of [1, 0]) {
    await press(/^Remove/, drawer);
    await expect(drawer.getByRole("listitem")).toHaveCount(left);
    await expect(drawer.locator(":focus").or(page.locator("[role=dialog]:focus"))).toHaveCount(1);
  }
  await page.keyboard.press("Escape");
  await addToCart(page, lamp.id);
  await fillCheckout(page, "Visa ending 0002");
  await page.getByTestId("place-order").focus();
  await page.keyboard.press("Enter");
  await expect(status(page)).toHaveAttribute("data-status", "payment_failed");
  await page.getByText("Visa ending 4242", { exact: true }).click();
  await page.getByTestId("pay-again").focus();
  await page.keyboard.press("Enter");
  await expect(status(page)).toHaveAttribute("data-status", "paid");
  expect(await focused(page)).not.toBe("body");
  const saved = page.waitForEvent("download");
  await press(/invoice/i);
  await saved;
  await expect(page.getByRole("button", { name: /invoice/i })).toBeFocused();
  await page.goto("/checkout");
  await expect(page.getByText("Your cart is empty")).toBeVisible();
});

test("the focus outlives what is pressed in the console", async ({ page, shop }) => {
  await openConsole(page, shop, "/access");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name").fill("short-lived");
  await page.getByLabel("Name").press("Enter");
  await expect(page.getByTestId("new-key")).toBeVisible();
  expect(await focused(page)).not.toBe("body");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "New key" })).toBeFocused();
  await page.getByRole("button", { name: "Revoke" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await expect(page.getByText("short-lived")).toHaveCount(0);
  expect(await focused(page)).not.toBe("body");
  await page.goto("/console/health");
  await page.getByRole("button", { name: "Check now" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("audit")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole("button", { name: "Check again" })).toBeFocused();
});
