// A folder that is not trusted: Missy answers, and nothing of the folder takes part.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

const KEY = "sk-ant-api03-FAKE-0000-not-a-key";

const steps = {
  "the user does not trust the folder": async ({ workbench, page }) => {
    await workbench.distrust();
    await workbench.openFile("prices.py");
    await page.getByText("Restricted Mode").first().waitFor();
  },

  "the folder's settings and environment start nothing": async ({ workbench, run }) => {
    await workbench.until(async () => /anthropic|unavailable/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "the server runs");
    assert.ok(!fs.existsSync(path.join(run, "owned")), "nothing of the folder was run");
  },

  "a question is answered all the same": async ({ workbench, journal }) => {
    await workbench.toast("anthropic is unavailable").getByRole("button", { name: "Store API Key…" }).click();
    await workbench.type(KEY);
    await workbench.toast("is stored in").waitFor();
    await workbench.selectLines(1, 5);
    await workbench.command("Missy: Ask About Selection…");
    await workbench.type("What does this do?");
    await workbench.panel().getByRole("button", { name: "Copy this answer" }).waitFor();
    assert.ok((await journal()).length >= 1);
    await workbench.shot("01-restricted");
  },

  "the server is told of no trust, and the user is not asked for it": async ({ workbench, code, page }) => {
    assert.equal(await page.locator(".notification-toast").filter({ hasText: "Do you trust" }).count(), 0);
    assert.doesNotMatch(code.extensionLog(), /is passed on to the server/);
    assert.ok(!fs.existsSync(path.join(code.home, ".missy", "trust.json")));
    await workbench.shot("02-no-question");
  },

  "trust that is given later is passed on": async ({ workbench, code, page }) => {
    await workbench.command("Workspaces: Manage Workspace Trust");
    await page.locator(".workspace-trust-editor").getByRole("button", { name: "Trust", exact: true }).click();
    await workbench.until(() => /is passed on to the server/.test(code.extensionLog()), "trust is passed on");
    assert.ok(fs.existsSync(path.join(code.home, ".missy", "trust.json")));
  },
};

export const restricted = {
  steps,
  prepare({ code, run }) {
    // What a repository might bring along to have its own program run.
    const bin = path.join(code.workspace, ".venv", "bin");
    fs.mkdirSync(bin, { recursive: true });
    for (const name of ["missy-lsp", "missy", "python"]) {
      fs.writeFileSync(path.join(bin, name), `#!/bin/sh\ntouch ${path.join(run, "owned")}\n`, { mode: 0o755 });
    }
    fs.mkdirSync(path.join(code.workspace, ".vscode"));
    const settings = { "missy.server.path": path.join(bin, "missy-lsp"), "missy.server.args": ["--config", "evil.yaml"], "missy.edits.review": "direct", "python.defaultInterpreterPath": path.join(bin, "python") };
    fs.writeFileSync(path.join(code.workspace, ".vscode", "settings.json"), JSON.stringify(settings));
  },
};
