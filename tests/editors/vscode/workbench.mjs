// The parts of VS Code that a person uses, as functions over a Playwright page.
import fs from "node:fs";
import path from "node:path";

const MENU = ".action-widget:not(.action-list-submenu-panel)";
const FOCUSED = ".monaco-editor.focused";

export class Workbench {
  constructor(page, artefacts) {
    this.page = page;
    this.artefacts = artefacts;
    fs.mkdirSync(artefacts, { recursive: true });
  }

  async open(url) {
    await this.page.goto(url);
    await this.page.waitForSelector(".monaco-workbench");
  }

  async shot(name) {
    await this.page.screenshot({ path: path.join(this.artefacts, `${name}.png`) });
  }

  /** Tell in a line what a person would see of boxes, notices, tabs and the focus. */
  async seen() {
    const words = await this.page.evaluate(() => ({
      focus: document.activeElement?.className || document.activeElement?.tagName,
      box: [...document.querySelectorAll(".quick-input-widget")].filter((one) => one.checkVisibility()).map((one) => one.innerText),
      notices: [...document.querySelectorAll(".notification-toast")].map((one) => one.innerText),
      tabs: [...document.querySelectorAll(".tab")].map((one) => (one.classList.contains("active") ? `*${one.innerText}` : one.innerText)),
      status: document.querySelector("[id='missy-lsp.missy-lsp.missy.status']")?.getAttribute("aria-label"),
    }));
    return JSON.stringify(words).slice(0, 800);
  }

  async until(check, what, timeoutMs = 15_000) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const value = await check();
      if (value) {
        return value;
      }
      if (Date.now() > deadline) {
        throw new Error(`not within ${timeoutMs} ms: ${what}`);
      }
      await this.page.waitForTimeout(50);
    }
  }

  async trust() {
    await this.page.getByRole("button", { name: /Yes, I trust the authors/ }).click();
  }

  async distrust() {
    await this.page.getByRole("button", { name: /No, I don't trust the authors/ }).click();
  }

  async openFile(name) {
    await this.settled(); // a panel that still comes to its focus would take it from the file
    await this.page.locator(".explorer-folders-view .monaco-list-row").filter({ hasText: new RegExp(`^${name.replace(".", "\\.")}$`) }).dblclick();
    await this.page.locator(".editor-group-container.active .tab.active").filter({ hasText: name }).waitFor();
    await this.#focusedEditor.locator(".view-line").first().waitFor();
  }

  /** Open the palette and run the command with exactly this name. */
  async command(name) {
    await this.settled();
    await this.page.keyboard.press("F1");
    const input = this.page.locator(".quick-input-widget input");
    await input.waitFor({ state: "visible" });
    await input.fill(`>${name}`);
    const rows = this.page.locator(".quick-input-list .monaco-list-row");
    await rows.filter({ has: this.page.locator(".label-name", { hasText: exactly(name) }) }).first().click();
    // The box of a command that asks for words takes the palette's place: what is typed next is not for the palette.
    await this.page.locator(".quick-input-widget input[placeholder^='Type the name of a command']").waitFor({ state: "hidden" });
  }

  /**
   * Wait until no box is open and the focus has come to rest. A panel that gets it back from a box takes it in its own time,
   * from a box that was opened meanwhile too, which closes then: VS Code's issue 75209.
   */
  async settled() {
    await this.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
    await this.until(() => this.page.evaluate(hasFocusCome), "the focus comes to rest");
  }

  /** Type into the box that is open, and confirm at once: what was typed counts, whatever the list shows by then. */
  async type(text) {
    const input = this.page.locator(".quick-input-widget:visible input");
    await input.waitFor({ state: "visible" });
    await input.fill(text);
    await input.press("Enter");
  }

  /** Type into the box that is open until the list offers this, and take it. */
  async choose(text) {
    await this.page.locator(".quick-input-widget:visible input").fill(text);
    await this.page.locator(".quick-input-list .monaco-list-row.focused").filter({ hasText: text }).click();
  }

  async pick(text) {
    await this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text }).first().click();
  }

  toast(text) {
    return this.page.locator(".notification-toast").filter({ hasText: text });
  }

  /** Select whole lines of the active editor, numbered from 1. */
  async selectLines(first, last) {
    await this.focusEditor();
    await this.page.keyboard.press("Control+Home");
    for (let line = 1; line < first; line++) {
      await this.page.keyboard.press("ArrowDown");
    }
    for (let line = first; line <= last; line++) {
      await this.page.keyboard.press("Shift+ArrowDown");
    }
  }

  async focusEditor() {
    await this.settled();
    await this.page.keyboard.press("Control+1");
    await this.#focusedEditor.waitFor();
  }

  /** Return whether the active editor has the focus, so that what is typed goes into it. */
  async isTyping() {
    return (await this.#focusedEditor.count()) > 0;
  }

  get #focusedEditor() {
    return this.page.locator(`.editor-group-container.active ${FOCUSED}`);
  }

  /** Return the text of the active editor as it is shown, without its line numbers. */
  async text() {
    const lines = this.page.locator(".editor-group-container.active .monaco-editor .view-lines").first().locator(".view-line");
    // All of them in one go: a line that goes away meanwhile would be waited for.
    const placed = await lines.evaluateAll((all) => all.map((line) => ({ top: Number.parseFloat(line.style.top), text: line.innerText })));
    return placed.sort((one, other) => one.top - other.top).map((line) => line.text.replaceAll("\u00a0", " ")).join("\n");
  }

  statusItem() {
    return this.page.locator("[id='missy-lsp.missy-lsp.missy.status']");
  }

  /** Open the menu of code actions at the cursor. */
  async codeActions() {
    for (let attempt = 0; ; attempt++) {
      await this.page.waitForTimeout(250); // right after a change VS Code takes no code actions
      await this.page.keyboard.press("Control+.");
      try {
        await this.page.locator(MENU).waitFor({ timeout: 3000 });
        return this.page.locator(MENU);
      } catch (error) {
        if (attempt === 3) {
          throw error;
        }
        await this.page.keyboard.press("Escape");
      }
    }
  }

  /** The inside of the answer panel: a frame in a frame. */
  panel() {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
  }

  async clearNotifications() {
    await this.command("Notifications: Clear All Notifications");
  }
}

/** Runs in the page: whether the element that has the focus knows of it, in the innermost frame where that is a panel. */
function hasFocusCome() {
  const active = document.activeElement;
  if (active?.tagName !== "IFRAME") {
    return true;
  }
  const inner = active.contentDocument?.querySelector("iframe#active-frame");
  return inner?.contentDocument?.hasFocus() ?? true;
}

function exactly(text) {
  return new RegExp(`^\\s*${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\s*$`);
}
