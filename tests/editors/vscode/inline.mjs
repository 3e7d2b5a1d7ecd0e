// Suggestions at the cursor: ghost text once they are switched on, taken with Tab, and not a request before.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

const HEAD = "def average(prices):";
const BODY = ["    if not prices:", "        return 0", "    return total(prices) / len(prices)"];

/** Return the ghost text that is shown, whose words stand in elements of their own, with one space for every gap. */
async function ghost(page) {
  const pieces = await page.locator("[class*='ghost-text']").allTextContents();
  return pieces.join("").replace(/\s+/g, " ").trim();
}

async function requests(journal) {
  return (await journal()).filter((one) => one.asked.includes("The mark: ")).length;
}

function serverLog(code) {
  return fs.readFileSync(path.join(code.run, "server.log"), "utf8");
}

const steps = {
  "off, as it comes: nothing is asked while one types": async ({ workbench, page, code, journal }) => {
    await workbench.trust();
    await workbench.openFile("prices.py");
    await workbench.until(async () => /anthropic/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "the server runs");
    await workbench.focusEditor();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("\n\n");
    await page.keyboard.insertText("# here");
    await workbench.command("Trigger Inline Suggestion");
    assert.doesNotMatch(serverLog(code), /inline completion is switched on/);
    assert.equal(await requests(journal), 0);
  },

  "switched on in the user's file, a pause in typing brings ghost text": async ({ workbench, page, code, journal }) => {
    const file = path.join(code.home, ".missy", "config.yaml");
    const config = JSON.parse(fs.readFileSync(file, "utf8"));
    // Slower than it comes, so that a busy machine does not stop for as long within one step.
    fs.writeFileSync(file, JSON.stringify({ ...config, completion: { mode: "auto", debounce_ms: 1000 } }));
    await workbench.until(() => /inline completion is switched on/.test(serverLog(code)), "it is registered");
    await workbench.focusEditor();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Home");
    await page.keyboard.insertText(HEAD);
    await workbench.until(async () => (await ghost(page)) === BODY.map((line) => line.trim()).join(" "), "ghost text");
    await workbench.shot("01-ghost-text");
    assert.equal(await requests(journal), 1);
    return await ghost(page);
  },

  "Tab takes it, down to the end of the definition": async ({ workbench, page }) => {
    await page.keyboard.press("Tab");
    await workbench.until(async () => (await workbench.text()).includes([HEAD, ...BODY].join("\n")), "it is in the document");
    assert.equal(await ghost(page), "");
    await workbench.shot("02-taken");
  },

  "who types what is suggested keeps it, without a further request": async ({ workbench, page, journal }) => {
    await page.keyboard.type("\n\n");
    await page.keyboard.press("Home");
    await page.keyboard.insertText("print(av");
    await workbench.until(async () => (await ghost(page)).includes("erage([1, 2, 3])"), "ghost text in the line");
    const asked = await requests(journal);
    await page.keyboard.type("er");
    await workbench.until(async () => /^age\(\[1, 2, 3\]\)/.test(await ghost(page)), "the rest of it");
    await workbench.shot("03-typed-through");
    assert.equal(await requests(journal), asked);
  },

  "switched off in the settings, it is taken back": async ({ workbench, code }) => {
    code.set({ "missy.completion.mode": "off" });
    await workbench.until(() => /inline completion is switched off/.test(serverLog(code)), "it is taken back");
  },
};

export const inline = {
  steps,
  key: "sk-ant-api03-FAKE-0000-not-a-key",
  prepare({ code }) {
    // VS Code's own list of words would take the Tab.
    code.set({}, { "editor.quickSuggestions": { other: "off", comments: "off", strings: "off" }, "editor.suggestOnTriggerCharacters": false });
  },
};
