// Runs inside the extension host: which defaults of VS Code our keys would take away, on the system of the browser.
const assert = require("node:assert/strict");
const vscode = require("vscode");

exports.run = async function run() {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse("vscode://defaultsettings/keybindings.json"));
  const rules = [...document.getText().matchAll(/\{ "key": "([^"]+)",\s*"command": "([^"]+)"/g)].map(([, key, command]) => ({ key, command }));
  assert.ok(rules.length > 500, `${rules.length} rules read`);
  const isMac = rules.some((rule) => rule.key.includes("cmd+"));
  const { keybindings } = vscode.extensions.getExtension("missy-lsp.missy-lsp").packageJSON.contributes;
  const ours = keybindings.map((one) => normal(isMac ? one.mac : one.key));
  // A chord that begins with one of our keys would be cut off too.
  const clashes = rules.filter((rule) => !rule.command.startsWith("missy.") && ours.includes(normal(rule.key.split(" ")[0])));
  console.log(`HOST ${rules.length} defaults${isMac ? " of macOS" : ""}, ${clashes.length} clashes ${JSON.stringify(clashes)}`);
  assert.deepEqual(clashes, []);
};

function normal(key) {
  return key.split("+").sort().join("+");
}
