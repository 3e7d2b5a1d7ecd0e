// A day with Missy: what a person does, in order; each step begins where the one before it ended.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

const KEY = "sk-ant-api03-FAKE-0000-not-a-key";

const steps = {
  "the trust question comes first; nothing of ours asks before": async ({ page, workbench }) => {
    await page.getByRole("button", { name: /Yes, I trust the authors/ }).waitFor();
    await workbench.shot("01-trust");
    await workbench.trust();
  },

  "the server starts and says that it has no key": async ({ workbench }) => {
    await workbench.openFile("prices.py");
    await workbench.toast("anthropic is unavailable").waitFor();
    await workbench.until(async () => /unavailable/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "status bar tells");
    await workbench.shot("02-no-key");
  },

  "a wrong key is stored, refused upstream, and said": async ({ workbench, page }) => {
    await workbench.toast("anthropic is unavailable").getByRole("button", { name: "Store API Key…" }).click();
    await page.locator(".quick-input-widget input[type=password]").waitFor();
    await workbench.shot("03-store-key");
    await workbench.type("sk-ant-api03-FAKE-WRONG");
    await workbench.toast("is stored in").waitFor();
    await workbench.selectLines(1, 5);
    await workbench.command("Missy: Ask About Selection…");
    await workbench.type("What does this do?");
    await workbench.panel().getByRole("alert").filter({ hasText: /key/ }).waitFor();
    await workbench.shot("04-wrong-key");
    return await workbench.panel().getByRole("alert").innerText();
  },

  "the right key replaces it": async ({ workbench, code }) => {
    await workbench.clearNotifications(); // the first key's says the same
    await workbench.panel().getByRole("button", { name: "Store another API key" }).click();
    await workbench.type(KEY);
    await workbench.toast("is stored in").waitFor();
    const stored = fs.readdirSync(path.join(code.home, ".missy", "secrets"));
    assert.ok(stored.includes("vault.enc"), "the encrypted vault has it");
    for (const name of ["User", "Machine"]) {
      assert.doesNotMatch(fs.readFileSync(path.join(code.run, "data", name, "settings.json"), "utf8"), /sk-ant/);
    }
    assert.doesNotMatch(code.extensionLog(), /sk-ant-api03/);
  },

  "an answer streams into the panel": async ({ workbench, journal, page }) => {
    await workbench.selectLines(1, 5);
    await workbench.command("Missy: Ask About Selection…");
    await workbench.type("What does this do?");
    const pressed = performance.now();
    const panel = workbench.panel();
    await panel.getByRole("heading", { name: "What it does" }).waitFor();
    const [visible, { ago }] = [performance.now() - pressed, (await journal()).at(-1)];
    await workbench.shot("05-streaming");
    await panel.getByRole("button", { name: "Copy this answer" }).waitFor();
    await panel.getByText(/claude-\S+ · \w+ · .*\$0\.\d+/).waitFor();
    assert.equal(await panel.locator("img, script[src^='x'], .answer script").count(), 0, "no image and no script is made of an answer");
    assert.equal(await panel.locator("a[href]").count(), 0);
    assert.notEqual(await page.title(), "owned");
    assert.equal((await journal()).at(-1).key, KEY);
    await workbench.shot("06-answer");
    return `first text ${visible.toFixed(0)} ms after Enter, ${(ago * 1000).toFixed(0)} ms after the upstream had the request · ${await panel.getByRole("status").innerText()}`;
  },

  "a follow-up question takes the conversation along": async ({ workbench, journal }) => {
    const panel = workbench.panel();
    await panel.getByLabel("Follow-up question").last().fill("and how does this follow?");
    await panel.getByLabel("Follow-up question").last().press("Enter");
    await panel.getByText(/You asked before: \d messages/).waitFor();
    assert.ok((await journal()).at(-1).messages >= 3, "two turns of history and the question");
    await workbench.shot("07-follow-up");
  },

  "a follow-up question is about the same code, also where lines came above it": async ({ workbench, page, journal }) => {
    await workbench.openFile("prices.py");
    await page.keyboard.press("Control+Home");
    await page.keyboard.insertText("# above\n# and above\n");
    const panel = workbench.panel();
    await panel.getByLabel("Follow-up question").last().fill("does it still follow?");
    await panel.getByLabel("Follow-up question").last().press("Enter");
    await panel.getByRole("heading", { name: "does it still follow?" }).waitFor();
    await panel.getByText(/You asked before: [5-9] messages/).waitFor();
    const { asked } = (await journal()).at(-1);
    assert.match(asked, /def total[^]*return result/);
    assert.doesNotMatch(asked, /above/);
    await workbench.focusEditor();
    await workbench.until(async () => {
      await page.keyboard.press("Control+Z");
      return (await workbench.text()).startsWith("def total");
    }, "the text is as before");
  },

  "stop closes the upstream connection and keeps the text": async ({ workbench, journal }) => {
    const panel = workbench.panel();
    await panel.getByLabel("Follow-up question").last().fill("answer slowly please");
    await panel.getByLabel("Follow-up question").last().press("Enter");
    await panel.getByText(/word9 /).waitFor();
    await panel.getByRole("button", { name: "Stop this answer" }).click();
    await panel.getByText(/stopped/).waitFor();
    await workbench.until(async () => (await journal()).at(-1).isClosed, "the upstream connection is closed");
    await workbench.shot("08-stopped");
    return `open for ${(await journal()).at(-1).secondsOpen.toFixed(1)} s`;
  },

  "the last answers can be shown again after the window is closed": async ({ workbench, code, page }) => {
    await workbench.until(() => page.evaluate(isStored, "What it does"), "VS Code has written the folder's state");
    await page.goto("about:blank");
    await workbench.open(code.url);
    // VS Code brings the panel back by itself; what it shows comes from the folder's state.
    await workbench.panel().getByRole("heading", { name: "What it does" }).waitFor({ timeout: 60_000 });
    await workbench.panel().getByRole("button", { name: "Insert this python code at the cursor" }).click();
    await workbench.until(async () => (await workbench.text()).includes("return sum(prices)"), "it goes into the editor that can be seen");
    await page.keyboard.press("Control+Z");
    await page.locator(".tab").filter({ hasText: "Missy:" }).getByRole("button", { name: /Close/ }).click();
    await workbench.command("Missy: Show Last Answers…");
    await workbench.pick("What does this do?");
    await workbench.panel().getByRole("heading", { name: "What it does" }).waitFor();
    await workbench.shot("09-shown-again");
  },

  "copy and insert put the code where it is wanted": async ({ workbench, page }) => {
    await workbench.openFile("prices.py");
    await page.keyboard.press("Control+End");
    await workbench.panel().getByRole("button", { name: "Copy this python code" }).first().click();
    await workbench.until(async () => (await page.evaluate(() => navigator.clipboard.readText())).includes("return sum(prices)"), "the clipboard has it");
    assert.ok(await workbench.isTyping(), "the focus has stayed in the editor");
    await workbench.panel().getByRole("button", { name: "Insert this python code at the cursor" }).first().click();
    await workbench.until(async () => (await workbench.text()).includes("return sum(prices)"), "the editor has it");
    await page.keyboard.press("Control+Z");
    await workbench.until(async () => !(await workbench.text()).includes("return sum(prices)"), "one undo takes it back");
  },

  "a link of an answer is opened only after a question": async ({ workbench, page }) => {
    await workbench.panel().getByRole("link", { name: "the manual" }).click();
    const dialog = page.locator(".monaco-dialog-box");
    await dialog.filter({ hasText: "https://example.invalid/manual" }).waitFor();
    await workbench.shot("10-link");
    await dialog.getByRole("button", { name: "Cancel" }).click();
  },

  "every control of the panel has a name and is reached by Tab": async ({ workbench, page }) => {
    const panel = workbench.panel();
    const names = await panel.locator("button, textarea").evaluateAll((controls) => controls.map((one) => one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent ?? ""));
    assert.ok(names.every((name) => name.trim() !== ""), names.join("|"));
    await panel.locator("#conversation").focus();
    const count = await panel.locator("button:not(:disabled), textarea, pre").count();
    const reached = new Set();
    for (let press = 0; press < count + 1; press++) {
      await page.keyboard.press("Tab");
      reached.add(await panel.locator("body").evaluate(() => [...document.querySelectorAll("*")].indexOf(document.activeElement)));
    }
    assert.ok(reached.size >= count, `${reached.size} of ${count}`);
    return `${count} controls`;
  },

  "providers are listed with their state": async ({ workbench, page }) => {
    await workbench.command("Missy: List Providers");
    const row = page.locator(".quick-input-list .monaco-list-row").filter({ hasText: "anthropic" });
    await row.filter({ hasText: "available" }).waitFor();
    await workbench.shot("11-providers");
    const text = await row.innerText();
    await page.keyboard.press("Escape");
    return text.replaceAll("\n", " ");
  },

  "usage is shown as a page": async ({ workbench, page }) => {
    await workbench.command("Missy: Show Usage");
    await page.locator(".tab.active").filter({ hasText: "Missy usage" }).waitFor();
    const preview = page.locator("iframe.webview.ready").last().contentFrame().locator("iframe#active-frame").contentFrame();
    await preview.getByRole("cell", { name: "claude-sonnet-4-6" }).waitFor();
    await workbench.shot("12-usage");
    await page.locator(".tab.active").filter({ hasText: "Missy usage" }).getByRole("button", { name: /Close/ }).click();
  },

  "a wait for the model can be cancelled": async ({ workbench, journal, page }) => {
    await workbench.openFile("prices.py");
    await workbench.command("Missy: Ask…");
    await workbench.type("first wait long");
    const toast = workbench.toast("waiting for the model");
    await toast.waitFor();
    await workbench.shot("13-waiting");
    await toast.hover();
    await toast.getByRole("button", { name: "Cancel" }).click();
    await workbench.until(async () => (await journal()).at(-1).isClosed, "the upstream connection is closed");
    await workbench.panel().getByText(/stopped/).waitFor();
    await page.keyboard.press("Escape");
  },

  "what the panel shows follows the theme, high contrast too": async ({ workbench, page }) => {
    await workbench.command("Preferences: Color Theme");
    await workbench.choose("Dark High Contrast");
    const panel = workbench.panel();
    const color = () => panel.locator("body").evaluate((body) => getComputedStyle(body).color);
    await workbench.until(async () => (await color()) === "rgb(255, 255, 255)", "white on black");
    await workbench.shot("14-high-contrast");
    await workbench.command("Preferences: Color Theme");
    await workbench.choose("Light Modern");
    await workbench.until(async () => (await color()) !== "rgb(255, 255, 255)", "the light theme");
    await page.keyboard.press("Escape");
  },

  "activation takes little": async ({ workbench, page }) => {
    await workbench.command("Developer: Show Running Extensions");
    const list = page.locator(".runtime-extensions-editor .monaco-list-rows");
    const row = list.locator(".monaco-list-row").filter({ hasText: "Missy" });
    await list.locator(".monaco-list-row").first().hover();
    // The slowest extension stands first, and rows that can't be seen are not there at all.
    await workbench.until(async () => (await row.count()) > 0 || page.mouse.wheel(0, 200), "the list has Missy");
    const words = (await row.first().innerText()).replaceAll("\n", " ");
    await page.keyboard.press("Escape");
    const activation = /Activation: (\d+)ms|(\d+)ms/.exec(words);
    assert.ok(activation, words);
    return words.slice(0, 120);
  },

  "a question that is asked while a crashed server comes back is answered by it": async ({ workbench, code }) => {
    const next = await crash(workbench, code);
    process.kill(next, "SIGSTOP"); // so that the question surely comes before it is ready
    await workbench.command("Missy: Ask…");
    process.kill(next, "SIGCONT");
    await workbench.type("is it there? follow");
    await workbench.panel().getByText(/You asked before/).waitFor();
    assert.deepEqual(serverProcesses(code), [next], "one server runs, the one that came back");
    await workbench.until(async () => /anthropic/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "the status bar is back");
  },

  "a server that ends in the middle of an answer is told, and the text so far stays": async ({ workbench, code }) => {
    const panel = workbench.panel();
    await panel.getByLabel("Follow-up question").last().fill("answer slowly please");
    await panel.getByLabel("Follow-up question").last().press("Enter");
    await panel.getByText(/word9 /).waitFor();
    const before = starts(code);
    await crash(workbench, code);
    await workbench.until(() => starts(code) > before, "the next server is ready");
    await panel.getByRole("alert").filter({ hasText: "ended before it answered" }).waitFor();
    await panel.getByText(/word9 /).waitFor();
    await panel.getByRole("button", { name: "Ask again", exact: true }).waitFor();
    await workbench.shot("17-crashed");
  },

  "after five crashes it is left alone, until a question or a restart by hand": async ({ workbench, code, page }) => {
    for (let crashes = 3; crashes < 5; crashes++) {
      const before = starts(code);
      await crash(workbench, code);
      await workbench.until(() => starts(code) > before, "the next server is ready");
    }
    serverProcesses(code).forEach((id) => process.kill(id, "SIGKILL"));
    await workbench.toast("crashed 5 times").waitFor();
    await workbench.until(async () => /does not run/.test((await workbench.statusItem().getAttribute("aria-label")) ?? ""), "the status bar tells");
    await workbench.command("Missy: Ask…");
    // A question of before, by a part of it.
    await page.locator(".quick-input-widget:visible input").fill("is it");
    await page.locator(".quick-input-list .monaco-list-row").filter({ hasText: "is it there? follow" }).waitFor();
    await page.locator(".quick-input-list .monaco-list-row.focused").filter({ hasNotText: "there" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await workbench.panel().getByRole("heading", { name: "is it there? follow" }).waitFor();
    await workbench.panel().getByText(/You asked before/).waitFor();
    const [[first], before] = [serverProcesses(code), starts(code)];
    await workbench.command("Missy: Restart Server");
    await workbench.until(() => starts(code) > before, "another server is ready");
    assert.ok(!serverProcesses(code).includes(first), "the old one has ended");
    await workbench.clearNotifications();
  },

  "the log can be seen": async ({ workbench, page }) => {
    await workbench.command("Missy: Show Log");
    await page.locator(".part.panel .view-line").filter({ hasText: "server version" }).first().waitFor();
    await workbench.shot("15-log");
    await page.keyboard.press("Control+J");
  },

  "a refactoring waits, is shown as a diff, and is accepted": async ({ workbench, page }) => {
    await workbench.openFile("prices.py");
    await workbench.selectLines(1, 5);
    await workbench.command("Missy: Run Action…");
    await page.locator(".quick-input-list .monaco-list-row").filter({ hasText: "Refactor" }).first().waitFor();
    await workbench.shot("20-actions");
    await workbench.pick("Refactor");
    await workbench.toast("Refactor is ready at line 1").waitFor();
    await page.locator(".codelens-decoration a").filter({ hasText: "Accept" }).waitFor();
    await workbench.shot("21-pending");
    assert.match(await workbench.text(), /result = 0/, "nothing is changed before the user says so");
    await workbench.command("Missy: Show Pending Change");
    await page.locator(".monaco-diff-editor .view-line").filter({ hasText: "return sum(prices)" }).waitFor();
    await workbench.shot("22-diff");
    await page.locator(".editor-actions").getByRole("button", { name: "Missy: Accept Change" }).click();
    await workbench.until(async () => (await page.locator(".monaco-diff-editor").count()) === 0, "the diff closes");
    await workbench.focusEditor();
    await workbench.until(async () => /return sum\(prices\)/.test(await workbench.text()), "the change is in the text");
    await workbench.shot("23-accepted");
  },

  "one undo takes it back": async ({ workbench, page }) => {
    await workbench.focusEditor();
    await page.keyboard.press("Control+Z");
    await workbench.until(async () => /result = result \+ price/.test(await workbench.text()), "the old text is back");
    assert.doesNotMatch(await workbench.text(), /sum\(prices\)/);
  },

  "edit selection is one key away, the change can be asked about, and discard leaves the text alone": async ({ workbench, page }) => {
    await workbench.clearNotifications();
    await workbench.selectLines(1, 5);
    await page.keyboard.press("Shift+Alt+E");
    await workbench.type("make it shorter");
    await workbench.toast("Edit is ready").waitFor();
    await workbench.command("Missy: Ask About Change…");
    await workbench.type("why so? follow");
    await workbench.panel().getByRole("heading", { name: "Edit: make it shorter" }).waitFor();
    await workbench.panel().getByText("You asked before: 3 messages").waitFor();
    await workbench.shot("25-about-change");
    await workbench.focusEditor();
    const menu = await workbench.codeActions();
    await workbench.shot("24-light-bulb");
    await menu.locator(".monaco-list-row").filter({ hasText: /Missy: Discard/ }).click();
    await workbench.until(async () => (await page.locator(".codelens-decoration a").filter({ hasText: "Accept" }).count()) === 0, "the change is gone");
    assert.match(await workbench.text(), /result = 0/);
  },
};

export const daily = { steps };

/** Runs in the page: whether what VS Code keeps of this folder, on the browser's disk, holds these words. */
async function isStored(words) {
  const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      if ((await done(database.transaction(store).objectStore(store).getAll())).some((value) => String(value).includes(words))) {
        return true;
      }
    }
    database.close();
  }
  return false;
}

/** Return how many times a server has become ready in this window, by the extension's log. */
function starts(code) {
  return code.extensionLog().match(/server version/g)?.length ?? 0;
}

/** Kill the server; returns the id of the one that VS Code starts in its place. */
async function crash(workbench, code) {
  const [first] = serverProcesses(code);
  process.kill(first, "SIGKILL");
  return workbench.until(() => serverProcesses(code).find((id) => id !== first), "another server is started");
}

/** Return the ids of the servers that this run's VS Code has started: their log file is on their command line. */
function serverProcesses(code) {
  const mark = path.join(code.run, "server.log");
  const hasMark = (id) => {
    try {
      return fs.readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0").includes(mark);
    } catch {
      return false; // it has ended meanwhile
    }
  };
  return fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name) && hasMark(name)).map(Number);
}
