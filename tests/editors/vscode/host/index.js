// Runs inside the extension host: what the extension does, without anybody's clicks.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const vscode = require("vscode");

const ID = "missy-lsp.missy-lsp";
const tests = {
  async "every command of the manifest is there"() {
    const known = new Set(await vscode.commands.getCommands(true));
    const { contributes } = vscode.extensions.getExtension(ID).packageJSON;
    assert.deepEqual(contributes.commands.map((one) => one.command).filter((name) => !known.has(name)), []);
  },

  async "the server's commands are there too, once"() {
    const known = await vscode.commands.getCommands(true);
    assert.equal(known.filter((name) => name === "missy.runAction").length, 1);
  },

  async "a selection is offered actions that call no model"() {
    const { document } = await open();
    const actions = await codeActions(document, new vscode.Range(0, 0, 5, 0));
    for (const title of ["Missy: Explain", "Missy: Refactor"]) {
      assert.ok(actions.some((one) => one.title === title), `${title} of ${actions.map((one) => one.title).join(", ")}`);
    }
    assert.ok(actions.every((one) => !one.isPreferred));
  },

  async "a change from the light bulb waits, with its links above the code"() {
    const { document, before } = await propose();
    assert.equal(document.getText(), before, "nothing is changed yet");
    const lenses = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", document.uri);
    assert.deepEqual(lenses.map((lens) => lens.command.command).slice(0, 3), ["missy.acceptChange", "missy.showPendingChange", "missy.discardChange"]);
    await vscode.commands.executeCommand("missy.discardChange");
    await until(() => pending(document).length === 0, "the mark goes");
    assert.equal(document.getText(), before);
  },

  async "the diff follows what is typed above the change"() {
    const { document } = await propose();
    await edit(document, new vscode.Position(0, 0), "# typed meanwhile\n");
    await until(() => pending(document)[0]?.range.start.line === 1, "the server's mark follows");
    await vscode.commands.executeCommand("missy.showPendingChange");
    const tab = await until(() => vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputTextDiff && vscode.window.tabGroups.activeTabGroup.activeTab, "the diff");
    const proposed = await vscode.workspace.openTextDocument(tab.input.modified);
    assert.equal(proposed.getText(), "# typed meanwhile\ndef total(prices):\n    return sum(prices)\n\n\nprint(total([1, 2, 3]))\n");
    await edit(document, new vscode.Position(0, 0), "# and again\n");
    await until(() => proposed.getText().startsWith("# and again\n# typed"), "the shown proposal follows");
    await vscode.commands.executeCommand("missy.acceptChange");
    await until(() => document.getText().startsWith("# and again\n# typed meanwhile\ndef total(prices):\n    return sum(prices)\n"), "it is accepted");
    await until(() => !(vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputTextDiff), "the diff closes");
    await reset(document);
  },

  async "the buttons of a diff decide on the change that it shows, wherever in it the focus is"() {
    const { document } = await propose();
    const [first] = await lensIds(document);
    const action = (await codeActions(document, new vscode.Range(0, 0, 5, 0))).find((one) => one.title === "Missy: Refactor");
    await vscode.commands.executeCommand(action.command.command, ...action.command.arguments);
    const second = await until(async () => (await lensIds(document)).find((id) => id !== first), "another change waits");
    await vscode.commands.executeCommand("missy.showPendingChange", { id: second });
    const tab = await shownDiff();
    await vscode.commands.executeCommand("diffEditor.switchSide");
    await until(() => vscode.window.activeTextEditor?.document === document, "the left side has the focus");
    await vscode.commands.executeCommand("missy.discardChange", tab.input.modified);
    await until(async () => (await lensIds(document)).join() === first, "the change of the diff goes, the other stays");
    await until(() => diffs().length === 0, "the diff closes");
    await vscode.commands.executeCommand("missy.discardChange");
    await until(() => pending(document).length === 0, "the mark goes");
  },

  async "a diff goes with its change, and decides on no other one before"() {
    const { document } = await propose();
    const [lost] = await lensIds(document);
    await vscode.commands.executeCommand("missy.showPendingChange");
    const { input } = await shownDiff();
    await vscode.commands.executeCommand("missy.restartServer");
    await until(() => diffs().length === 0, "the diff closes");
    const { before } = await propose();
    await vscode.commands.executeCommand("missy.acceptChange", input.modified);
    await vscode.commands.executeCommand("missy.acceptChange", { id: lost });
    assert.equal(document.getText(), before, "the new change still waits");
    await vscode.commands.executeCommand("missy.discardChange");
    await until(() => pending(document).length === 0, "the mark goes");
  },

  async "one undo takes an accepted change back"() {
    const { document, before } = await propose();
    await vscode.commands.executeCommand("missy.acceptChange");
    await until(() => /sum\(prices\)/.test(document.getText()), "it is accepted");
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("undo");
    await until(() => document.getText() === before, "the old text is back");
  },

  async "a change to the code itself is a conflict, and nothing is applied"() {
    const { document } = await propose();
    await edit(document, new vscode.Position(1, 4), "broken_");
    const text = document.getText();
    await vscode.commands.executeCommand("missy.acceptChange");
    assert.equal(document.getText(), text);
    await vscode.commands.executeCommand("missy.discardChange");
    await until(() => pending(document).length === 0, "the mark goes");
    await reset(document);
  },

  async "a proposed file is written when it is accepted, and shown"() {
    const { document } = await open();
    await reset(document);
    const target = vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, "test_prices.py");
    const action = (await codeActions(document, new vscode.Range(0, 0, 5, 0))).find((one) => one.title === "Missy: Write tests");
    await vscode.commands.executeCommand(action.command.command, ...action.command.arguments);
    await until(() => pending(document).length === 1, "the file waits");
    await assert.rejects(async () => vscode.workspace.fs.stat(target), "it is not written before");
    await vscode.commands.executeCommand("missy.showPendingChange");
    const tab = await until(() => vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputTextDiff && vscode.window.tabGroups.activeTabGroup.activeTab, "the diff");
    assert.match((await vscode.workspace.openTextDocument(tab.input.modified)).getText(), /def test_total/);
    await vscode.commands.executeCommand("missy.acceptChange");
    await until(() => vscode.window.activeTextEditor?.document.uri.path === target.path, "the file is shown");
    assert.match(vscode.window.activeTextEditor.document.getText(), /def test_total/);
  },

  async "the action Edit asks for the instruction in a box"() {
    const { document } = await open();
    const action = (await codeActions(document, new vscode.Range(0, 0, 5, 0))).find((one) => one.title === "Missy: Edit…");
    assert.equal(action.command.command, "missy.editSelection");
  },

  async "a document without a file takes part"() {
    const document = await vscode.workspace.openTextDocument({ language: "python", content: "def f():\n    return 1\n" });
    await vscode.window.showTextDocument(document);
    const actions = await codeActions(document, new vscode.Range(0, 0, 2, 0));
    assert.ok(actions.some((one) => one.title === "Missy: Explain"));
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  },

  async "hover of ours, where there is any, runs no commands and shows no HTML"() {
    const { document } = await open();
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", document.uri, new vscode.Position(0, 5));
    for (const content of hovers.flatMap((hover) => hover.contents).filter((one) => one instanceof vscode.MarkdownString)) {
      assert.ok(!content.isTrusted);
      assert.ok(!content.supportHtml);
    }
  },

  async "a server that never answers can be left by another setting, and by a restart"() {
    const { document } = await open();
    const settings = vscode.workspace.getConfiguration("missy.server");
    const [program, folder] = [settings.get("path"), fs.mkdtempSync(path.join(os.tmpdir(), "missy-silent-"))];
    const [silent, begun] = [path.join(folder, "missy-lsp"), path.join(folder, "begun")];
    fs.writeFileSync(silent, `#!/bin/sh\necho >> ${begun}\ncat > /dev/null\n`, { mode: 0o755 });
    const starts = () => (fs.existsSync(begun) ? fs.readFileSync(begun, "utf8").length : 0);
    try {
      await settings.update("path", silent, vscode.ConfigurationTarget.Global);
      await until(() => starts() === 1, "it is started");
      void vscode.commands.executeCommand("missy.restartServer");
      await until(() => starts() === 2, "it is started again");
    } finally {
      await settings.update("path", program, vscode.ConfigurationTarget.Global);
    }
    await until(async () => (await codeActions(document, new vscode.Range(0, 0, 5, 0))).some((one) => one.title === "Missy: Explain"), "the other one answers");
    assert.equal(starts(), 2);
    fs.rmSync(folder, { recursive: true });
  },

  async "a server whose end is first seen by a failed write is started again all the same"() {
    const { document } = await open();
    const first = serverProcess();
    await new Promise((resolve) => fs.stat(__filename, () => {
      // Nothing of the server's end can be read before this has been written: both are of one turn of the event loop.
      process.kill(first, "SIGKILL");
      const dead = Date.now() + 100;
      while (Date.now() < dead);
      void vscode.commands.executeCommand("missy.status"); // ends when the user has read that it failed
      resolve();
    }));
    await until(() => ![undefined, first].includes(serverProcess()), "another server is started");
    await until(async () => (await codeActions(document, new vscode.Range(0, 0, 5, 0))).some((one) => one.title === "Missy: Explain"), "it answers");
  },
};

exports.run = async function run() {
  await vscode.extensions.getExtension(ID).activate();
  await until(() => vscode.commands.getCommands(true).then((known) => known.includes("missy.runAction")), "the server runs", 20_000);
  let failures = 0;
  for (const [name, test] of Object.entries(tests)) {
    const started = Date.now();
    try {
      await test();
      console.log(`HOST pass  ${name} (${Date.now() - started} ms)`);
    } catch (error) {
      failures++;
      console.log(`HOST FAIL  ${name}: ${error instanceof Error ? error.stack.slice(0, 900) : error}`);
      await vscode.commands.executeCommand("missy.discardChange");
    }
  }
  console.log(`HOST ${Object.keys(tests).length - failures} of ${Object.keys(tests).length} passed`);
  assert.equal(failures, 0);
};

async function open() {
  const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, "prices.py");
  const document = await vscode.workspace.openTextDocument(uri);
  const editor = await vscode.window.showTextDocument(document);
  editor.selection = new vscode.Selection(0, 0, 5, 0);
  return { document, editor };
}

/** Run Refactor from the light bulb and wait for its mark. */
async function propose() {
  const { document } = await open();
  await reset(document);
  const before = document.getText();
  const action = (await codeActions(document, new vscode.Range(0, 0, 5, 0))).find((one) => one.title === "Missy: Refactor");
  await vscode.commands.executeCommand(action.command.command, ...action.command.arguments);
  await until(() => pending(document).length === 1, "the change waits");
  return { document, before };
}

const ORIGINAL = "def total(prices):\n    result = 0\n    for price in prices:\n        result = result + price\n    return result\n\n\nprint(total([1, 2, 3]))\n";

async function reset(document) {
  if (document.getText() !== ORIGINAL) {
    const change = new vscode.WorkspaceEdit();
    change.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), ORIGINAL);
    await vscode.workspace.applyEdit(change);
  }
}

async function edit(document, position, text) {
  const change = new vscode.WorkspaceEdit();
  change.insert(document.uri, position, text);
  await vscode.workspace.applyEdit(change);
}

function codeActions(document, range) {
  return vscode.commands.executeCommand("vscode.executeCodeActionProvider", document.uri, range, undefined, 100);
}

/** Return the ids of the changes that wait in a document, by the links above them. */
async function lensIds(document) {
  const lenses = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", document.uri);
  return lenses.filter((lens) => lens.command.command === "missy.acceptChange").map((lens) => lens.command.arguments[0].id);
}

function diffs() {
  return vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => tab.input instanceof vscode.TabInputTextDiff);
}

function shownDiff() {
  return until(() => diffs().find((tab) => tab.isActive && tab.input.modified.scheme === "missy-proposal"), "the diff");
}

function pending(document) {
  return vscode.languages.getDiagnostics(document.uri).filter((one) => one.source === "missy" && one.code === "pending-edit");
}

/** Return the id of the server that this extension host has started. */
function serverProcess() {
  const isOurs = (id) => {
    try {
      return fs.readFileSync(`/proc/${id}/cmdline`, "utf8").includes("missy-lsp") && fs.readFileSync(`/proc/${id}/stat`, "utf8").includes(` ${process.pid} `);
    } catch {
      return false; // it has ended meanwhile
    }
  };
  return fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isOurs(name)).map(Number)[0];
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(check, what, timeoutMs = 10_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value) {
      return value;
    }
    if (Date.now() > deadline) {
      throw new Error(`not within ${timeoutMs} ms: ${what}`);
    }
    await wait(20);
  }
}
