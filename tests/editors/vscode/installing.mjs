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
};

export const installing = {
  steps,
  environment({ root, run, server }) {
    const python = path.join(path.dirname(server), "python");
    execFileSync(python, ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", path.join(run, "wheels"), root]);
    return { PATH: "/usr/bin:/bin", PIP_FIND_LINKS: path.join(run, "wheels") };
  },
  prepare({ code }) {
    code.settings({});
  },
};
