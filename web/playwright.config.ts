import { defineConfig } from "@playwright/test";

// The real program in a real browser: Debian's Chromium, since Playwright's own is fetched from elsewhere.
export default defineConfig({
  testDir: "tests/browser",
  outputDir: "test-results",
  workers: 1,
  timeout: 45_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  forbidOnly: Boolean(process.env.CI),
  use: {
    viewport: { width: 1280, height: 900 },
    trace: process.env.STOA_TEST_TRACE ? "retain-on-failure" : "off",
    launchOptions: {
      executablePath: process.env.STOA_TEST_CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    },
  },
});
