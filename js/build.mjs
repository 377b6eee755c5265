// Bundles every widget of src/ into src/nbtrain/ui/static, and with --tests every test of tests/ into .tests.
// It knows where files are; what a widget is stands in src/lib/panel.ts.
import { readdirSync, rmSync } from "node:fs";
import { context, build } from "esbuild";

const testing = process.argv.includes("--tests");
const folder = testing ? "tests" : "src";
const entries = readdirSync(folder).filter((name) => name.endsWith(testing ? ".test.ts" : ".ts"));

const options = {
  entryPoints: entries.filter((name) => testing || name !== "contracts.ts").map((name) => `${folder}/${name}`),
  outdir: testing ? ".tests" : "../src/nbtrain/ui/static",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: !testing,
  legalComments: "none",
  logLevel: "warning",
  ...(testing ? { platform: "node", external: ["happy-dom"], loader: { ".css": "empty" }, outExtension: { ".js": ".mjs" } } : {}),
};

if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  rmSync(options.outdir, { recursive: true, force: true });
  await build(options);
}
