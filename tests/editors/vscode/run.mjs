// Drive the packaged extension in a real VS Code, as a person would.
//   node tests/editors/vscode/run.mjs VSIX SERVER [SCENARIO ...] [--keep] [--continue]
// VSIX is what `make vsix` built, SERVER the program missy-lsp; scenarios: host, groups, documents, daily, restricted, keys, inline, install, pictures.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { Browser, CodeServer, install } from "./code_server.mjs";
import { daily } from "./daily.mjs";
import { documents } from "./documents.mjs";
import { groups } from "./groups.mjs";
import { host } from "./host.mjs";
import { inline } from "./inline.mjs";
import { installing } from "./installing.mjs";
import { keys } from "./keys.mjs";
import { pictures } from "./pictures.mjs";
import { restricted } from "./restricted.mjs";
import { Workbench } from "./workbench.mjs";

const HERE = path.dirname(new URL(import.meta.url).pathname);
const ROOT = path.resolve(HERE, "../../..");
const SCENARIOS = { host, groups, documents, daily, restricted, keys, inline, install: installing, pictures };
const SOURCE = `def total(prices):
    result = 0
    for price in prices:
        result = result + price
    return result


print(total([1, 2, 3]))
`;

const options = process.argv.slice(2).filter((argument) => argument.startsWith("--"));
const [vsix, server, ...chosen] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const artefacts = process.env.MISSY_ARTEFACTS ?? path.join(ROOT, ".artefacts", "vscode");
const folder = install();
const failed = [];
for (const name of chosen.length > 0 ? chosen : ["host", "groups", "documents", "daily", "restricted", "keys", "inline"]) {
  failed.push(...(await play(name, SCENARIOS[name])));
}
console.log(`screenshots: ${artefacts}`);
// Once more, last: of a long log of CI often only the end is kept.
failed.forEach((one) => console.log(`FAILED ${one}`));
process.exit(failed.length > 0 ? 1 : 0);

async function play(name, scenario) {
  const place = path.join(artefacts, name);
  fs.rmSync(place, { recursive: true, force: true });
  const run = fs.mkdtempSync(path.join(os.tmpdir(), "missy-vscode-run-"));
  const upstream = await startUpstream();
  const environment = (await scenario.environment?.({ root: ROOT, run, server: path.resolve(server) })) ?? {};
  const code = new CodeServer(folder, run, environment);
  prepare(code, upstream.url, scenario.key);
  await scenario.prepare?.({ code, run, server: path.resolve(server) });
  if (scenario.isPackaged !== false) {
    code.installExtension(path.resolve(vsix));
  }
  await code.start(...(scenario.options ?? []));
  const browser = await Browser.open(folder);
  const context = { code, page: browser.page, workbench: new Workbench(browser.page, place), journal: upstream.journal, run, root: ROOT, folder, Workbench, artefacts: place };
  let failures = [];
  try {
    if (scenario.isPackaged !== false) {
      await context.workbench.open(code.url);
    }
    failures = await performAll(name, scenario.steps, context);
  } finally {
    fs.writeFileSync(path.join(place, "missy.log"), code.extensionLog());
    await browser.close();
    await code.stop();
    upstream.process.stdin.end();
    if (failures.length === 0 && !options.includes("--keep")) {
      fs.rmSync(run, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    } else {
      console.log(`kept: ${run}`);
    }
  }
  return failures;
}

async function performAll(name, steps, context) {
  const begun = Date.now();
  const failures = [];
  for (const [title, step] of Object.entries(steps)) {
    const started = Date.now();
    const tell = (verdict, more) => console.log(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${verdict}  ${name}: ${title} (${Date.now() - started} ms)`, more ?? "");
    try {
      tell("pass", await step(context));
    } catch (error) {
      const words = String(error instanceof Error ? error.stack : error).slice(0, 1500);
      const seen = await context.workbench.seen().catch(String);
      failures.push(`${name}: ${title}\n${words.slice(0, 600)}\nseen: ${seen}`);
      tell("FAIL", words);
      await context.workbench.shot(`failed-${title.replace(/\W+/g, "-")}`);
      await context.page.keyboard.press("Escape").catch(() => undefined);
      if (!options.includes("--continue")) {
        break; // what follows begins where this step should have ended
      }
    }
  }
  console.log(`${name}: ${failures.length} failed of ${Object.keys(steps).length}`);
  return failures;
}

function prepare(code, url, key = "vault://anthropic_api_key") {
  fs.writeFileSync(path.join(code.workspace, "prices.py"), SOURCE);
  fs.writeFileSync(path.join(code.workspace, "AGENTS.md"), "Use short names.\n");
  const missy = path.join(code.home, ".missy");
  fs.mkdirSync(missy, { mode: 0o700 });
  const provider = { name: "anthropic", model: "claude-sonnet-4-6", fast_model: "claude-haiku-4-5", premium_model: "claude-opus-4-6", base_url: url, api_key: key };
  // JSON is YAML.
  fs.writeFileSync(path.join(missy, "config.yaml"), JSON.stringify({ config_version: 2, providers: { anthropic: provider } }), { mode: 0o600 });
  code.settings({ "missy.server.path": path.resolve(server), "missy.server.args": ["--log-file", path.join(code.run, "server.log"), "--log-level", "info"] });
}

async function startUpstream() {
  const python = path.join(path.dirname(path.resolve(server)), process.platform === "win32" ? "python.exe" : "python");
  const child = spawn(python, [path.join(HERE, "upstream.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const url = await new Promise((resolve, reject) => {
    readline.createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", () => reject(new Error("the upstream did not start")));
  });
  const journal = async () => (await fetch(`${url}/journal`)).json();
  return { process: child, url, journal };
}
