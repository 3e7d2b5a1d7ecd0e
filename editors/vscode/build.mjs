// Bundle the extension and its answer panel; with --tests also the unit tests.
import { build } from "esbuild";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const withTests = process.argv.includes("--tests");
rmSync("dist", { recursive: true, force: true });
mkdirSync("dist", { recursive: true });

const common = { bundle: true, minify: !withTests, metafile: true, logLevel: "warning", legalComments: "none" };
const extension = await build({
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
});
const webview = await build({
  ...common,
  entryPoints: ["src/webview/webview.ts", "src/webview/webview.css"],
  outdir: "dist",
  platform: "browser",
  format: "iife",
  target: "chrome120",
});
if (withTests) {
  await build({
    ...common,
    entryPoints: readdirSync("tests").filter((name) => name.endsWith(".test.ts")).map((name) => `tests/${name}`),
    outdir: "dist/tests",
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["vscode"],
  });
}
writeFileSync("dist/THIRD_PARTY_NOTICES.txt", notices([extension.metafile, webview.metafile]));
for (const name of ["extension.js", "webview.js", "webview.css"]) {
  console.log(`dist/${name}: ${(readFileSync(path.join("dist", name)).length / 1024).toFixed(0)} KB`);
}

/** Return the licences of what is bundled, since its copyright lines are minified away. */
function notices(metafiles) {
  const packages = new Set();
  for (const metafile of metafiles) {
    for (const input of Object.keys(metafile.inputs)) {
      const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
      if (found) packages.add(found[1]);
    }
  }
  const texts = [...packages].sort().map((name) => {
    const folder = path.join("node_modules", name);
    const { version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file && existsSync(path.join(folder, file)) ? readFileSync(path.join(folder, file), "utf8").trim() : "";
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return `This extension contains these packages.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}
