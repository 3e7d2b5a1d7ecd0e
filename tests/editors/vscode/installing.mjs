// A machine without the server: the extension makes an environment of its own, once the user says so.
// The wheel is built from this tree; what it needs comes from the package index, through pip's own settings.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const steps = {
  "the user is asked before anything is installed": async ({ workbench }) => {
    await workbench.trust();
    await workbench.toast("Missy needs its server").waitFor();
    await workbench.shot("01-asked");
    assert.match((await workbench.statusItem().getAttribute("aria-label")) ?? "", /does not run/);
  },

  "a failed installation says why": async ({ workbench, run }) => {
    fs.renameSync(path.join(run, "wheels"), path.join(run, "hidden"));
    await workbench.toast("Missy needs its server").getByRole("button", { name: "Install" }).click();
    await workbench.toast("could not be installed").waitFor({ timeout: 120_000 });
    await workbench.shot("02-failed");
    fs.renameSync(path.join(run, "hidden"), path.join(run, "wheels"));
  },

  "it is installed and runs": async ({ workbench, code }) => {
    await workbench.toast("could not be installed").getByRole("button", { name: "Try Again" }).click();
    await workbench.toast("installing the server").waitFor();
    await workbench.shot("03-installing");
    await workbench.until(async () => /anthropic/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "the server runs", 180_000);
    assert.match(code.extensionLog(), /globalStorage.*server-\d+\.\d+\.\d+.*the extension's own environment/);
    await workbench.shot("04-runs");
  },

  "an installation that fails leaves the server that is there": async ({ workbench, code, run }) => {
    const program = path.join(code.run, "data/User/globalStorage/missy-lsp.missy-lsp/server-0.1.0/bin/missy-lsp");
    assert.ok(fs.existsSync(program));
    await workbench.clearNotifications();
    fs.renameSync(path.join(run, "wheels"), path.join(run, "hidden"));
    await workbench.command("Missy: Install Server…");
    await workbench.toast("could not be installed").waitFor({ timeout: 120_000 });
    fs.renameSync(path.join(run, "hidden"), path.join(run, "wheels"));
    assert.ok(fs.existsSync(program), "it can be started again");
    await workbench.clearNotifications();
  },

  "one of PATH that is too old is told, and left for the extension's own": async ({ workbench, code, run }) => {
    fs.mkdirSync(path.join(run, "bin"));
    fs.renameSync(path.join(run, "old-missy-lsp"), path.join(run, "bin", "missy-lsp"));
    await workbench.command("Missy: Restart Server");
    const toast = workbench.toast("is version 0.0.9");
    await toast.waitFor();
    await workbench.shot("05-too-old");
    await toast.getByRole("button", { name: "Use the Extension's Own" }).click();
    const lastServer = () => code.extensionLog().match(/server: .*/g)?.at(-1) ?? "";
    const starts = () => code.extensionLog().match(/server version: 0\.1\.0/g)?.length;
    await workbench.until(() => lastServer().includes("the extension's own environment") && starts() === 2, "the extension's own is started", 180_000);
    await workbench.command("Missy: Restart Server");
    await workbench.until(() => starts() === 3, "it is the one that is used from then on");
    assert.match(lastServer(), /the extension's own environment/);
  },
};

export const installing = {
  steps,
  environment({ root, run, server }) {
    const python = path.join(path.dirname(server), "python");
    execFileSync(python, ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", path.join(run, "wheels"), root]);
    const old = `#!${python}\nimport missy_lsp\nmissy_lsp.__version__ = "0.0.9"\nfrom missy_lsp.__main__ import run_server\nraise SystemExit(run_server())\n`;
    fs.writeFileSync(path.join(run, "old-missy-lsp"), old, { mode: 0o755 });
    return { PATH: "/usr/bin:/bin", PIP_FIND_LINKS: path.join(run, "wheels") };
  },
  prepare({ code, run }) {
    code.settings({});
    // The extension host has the PATH of the login shell.
    fs.writeFileSync(path.join(code.home, ".profile"), `PATH=${path.join(run, "bin")}:/usr/bin:/bin\nexport PATH\n`);
  },
};
