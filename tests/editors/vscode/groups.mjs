// A change of several files: seen as diffs, accepted as a whole, taken back by one undo.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

const steps = {
  "the folder is trusted": async ({ page, workbench }) => {
    await page.getByRole("button", { name: /Yes, I trust the authors/ }).waitFor();
    await workbench.trust();
  },

  "a question whose model edits ends in one change of two files": async ({ workbench, page, code }) => {
    await workbench.openFile("prices.py");
    await workbench.until(async () => /anthropic/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "the server runs");
    await workbench.command("Missy: Ask…");
    await workbench.type("rename total everywhere");
    await workbench.toast("a change of 2 files waits for review").waitFor();
    await page.locator(".codelens-decoration a").filter({ hasText: "Accept" }).first().waitFor();
    await workbench.panel().getByText("I renamed it.").waitFor();
    await workbench.shot("01-waits");
    assert.ok(!fs.existsSync(path.join(code.workspace, "renamed.md")), "nothing is written before the user says so");
  },

  "each file is shown in a diff editor": async ({ workbench, page }) => {
    await workbench.toast("a change of 2 files").getByRole("button", { name: "Show Changes" }).click();
    await workbench.pick("prices.py");
    await page.locator(".monaco-diff-editor .view-line").filter({ hasText: "def sum_of(prices):" }).waitFor();
    await workbench.shot("02-diff");
    await page.keyboard.press("Control+W");
  },

  "it waits on where its document is closed and opened again": async ({ workbench, page }) => {
    await workbench.openFile("prices.py");
    for (const language of ["Plain Text", "Python"]) { // VS Code closes a document for that, as it does with one that no editor shows
      await workbench.command("Change Language Mode");
      await workbench.choose(language);
      await page.locator(".statusbar-item").filter({ hasText: language }).waitFor();
    }
    await workbench.command("Missy: Show Pending Change");
    await page.locator(".monaco-diff-editor .view-line").filter({ hasText: "def sum_of(prices):" }).waitFor();
    await page.keyboard.press("Control+W");
    await page.locator(".codelens-decoration a").filter({ hasText: "Accept" }).first().waitFor();
  },

  "it is accepted as a whole by the light bulb, and one undo takes the document back": async ({ workbench, page, code }) => {
    await workbench.openFile("prices.py");
    await workbench.selectLines(1, 1);
    const menu = await workbench.codeActions();
    await workbench.shot("03-light-bulb");
    await menu.locator(".monaco-list-row").filter({ hasText: /Missy: Accept all 2 files/ }).click();
    await workbench.until(async () => /def sum_of\(prices\)/.test(await workbench.text()), "the change is in the text");
    await workbench.until(async () => fs.existsSync(path.join(code.workspace, "renamed.md")), "the new file is written");
    assert.match(await workbench.text(), /print\(sum_of\(/);
    await page.locator(".codelens-decoration a").filter({ hasText: "Accept" }).waitFor({ state: "detached" });
    await workbench.until(async () => !/waits? for review/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "nothing waits any more");
    await workbench.shot("04-accepted");
    await workbench.focusEditor();
    await page.keyboard.press("Control+Z");
    await workbench.until(async () => /def total\(prices\)/.test(await workbench.text()), "the old text is back");
  },
};

export const groups = {
  steps,
  key: "sk-ant-api03-FAKE-0000-not-a-key",
  prepare: ({ code }) => {
    const file = path.join(code.home, ".missy", "config.yaml");
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, "utf8")), tools: { mode: "edit" } }));
  },
};
