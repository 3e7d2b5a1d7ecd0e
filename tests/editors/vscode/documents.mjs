// What the server shows in the document itself: an explanation on hover, and a chat that is sent from a code lens.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

const CHAT = "## You\n\nWhat of @file:prices.py is slow to add?\n";

async function hovers(journal) {
  return (await journal()).filter((one) => one.asked.includes("The symbol: `total`")).length;
}

const steps = {
  "a hover explains the symbol, as Markdown without anything live": async ({ workbench, page, journal }) => {
    await workbench.trust();
    await workbench.openFile("prices.py");
    await workbench.until(async () => /anthropic/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "the server runs");
    await page.locator(".view-line").filter({ hasText: "def total" }).locator("span").filter({ hasText: /^\s?total$/ }).last().hover();
    const hover = page.locator(".monaco-hover:visible .hover-contents");
    await hover.getByText("Adds up the prices").waitFor();
    assert.equal(await hover.locator("img, script, a[href^='command:']").count(), 0);
    await workbench.shot("01-hover");
    assert.equal(await hovers(journal), 1);
  },

  "the same hover again asks nobody": async ({ workbench, page, journal }) => {
    await page.keyboard.press("Escape");
    await page.mouse.move(640, 700);
    await page.locator(".monaco-hover:visible").waitFor({ state: "detached" });
    await page.locator(".view-line").filter({ hasText: "def total" }).locator("span").filter({ hasText: /^\s?total$/ }).last().hover();
    await page.locator(".monaco-hover:visible .hover-contents").getByText("Adds up the prices").waitFor();
    assert.equal(await hovers(journal), 1);
    await page.mouse.move(640, 700);
  },

  "a chat is sent by its code lens, and the answer streams into the document": async ({ workbench, page, journal }) => {
    await workbench.openFile("talk.missy.md");
    await page.locator(".codelens-decoration a").filter({ hasText: "Send" }).click();
    await workbench.until(async () => /What it does[^]*meaning/.test(await workbench.text()), "the answer");
    await workbench.shot("02-chat");
    const text = await workbench.text();
    assert.match(text, /## Missy/);
    assert.doesNotMatch(text, /<script>document/);
    const asked = (await journal()).at(-1).asked;
    assert.match(asked, /What of @file:prices.py is slow to add\?/);
  },

  "undo takes the answer back": async ({ workbench, page }) => {
    await workbench.until(async () => !/Stop/.test((await page.locator(".codelens-decoration a").allTextContents()).join()), "it has ended");
    await workbench.focusEditor();
    await workbench.until(async () => {
      await page.keyboard.press("Control+Z");
      return (await workbench.text()).trim() === CHAT.trim();
    }, "the question alone");
  },
};

export const documents = {
  steps,
  key: "sk-ant-api03-FAKE-0000-not-a-key",
  prepare({ code }) {
    const file = path.join(code.home, ".missy", "config.yaml");
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, "utf8")), hover: { mode: "always" } }));
    fs.writeFileSync(path.join(code.workspace, "talk.missy.md"), CHAT);
  },
};
