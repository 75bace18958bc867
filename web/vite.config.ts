import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// `npm run dev` shows the pages of this folder on top of a shop that runs: STOA_SHOP=http://127.0.0.1:8080.
const shop = process.env.STOA_SHOP ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    // No data: URLs in scripts and no inline preloading: the pages' policy allows neither.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: { input: { index: here("index.html"), console: here("console.html") } },
  },
  server: {
    proxy: Object.fromEntries(["/api", "/session", "/images"].map((path) => [path, shop])),
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
  },
});
