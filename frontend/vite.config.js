import { defineConfig } from "vite";

// Two files: the element for pages that load scripts, and the page in the frame for those that do not.
export default defineConfig({
  build: {
    outDir: "../src/stripe_bridge/adapters/web/static/embed",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      input: { "stripe-invoices": "src/stripe-invoices.ts", frame: "src/frame.ts" },
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "[name].js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" },
    },
  },
});
