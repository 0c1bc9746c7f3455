import { defineConfig } from "vitest/config";

// The files go into the Python package and are committed: the same sources give the same bytes.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licences.md" },
    rolldownOptions: {
      output: {
        // the viewer changes seldom and is the largest part: a file of its own
        codeSplitting: { groups: [{ name: "viewer", test: /node_modules[\\/]openseadragon/ }] },
      },
    },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
