// Tests inside the extension host (host/*.js), with the extension as it is in editors/vscode.
import path from "node:path";

const LIMIT_MS = 120_000;

/** What a code-server needs for it; the packaged extension is not installed. */
export const INSIDE = { options: ["--vscode-option", "enable-smoke-test-driver"], isPackaged: false, key: "sk-ant-api03-FAKE-0000-not-a-key" };

/** Run one of host/*.js and return the last line that it wrote. */
export async function runInside(page, code, root, script) {
  let last = "";
  let exited;
  const exit = new Promise((resolve) => {
    exited = resolve;
  });
  await page.exposeFunction("codeAutomationLog", (type, args) => {
    const line = args.map(String).join(" ");
    if (/HOST|AssertionError/.test(line)) {
      last = line;
      console.log(`    ${line.slice(0, 1200)}`);
    }
  });
  await page.exposeFunction("codeAutomationExit", (status) => exited(status));
  const remote = `vscode-remote://127.0.0.1:${code.port}`;
  const payload = [
    ["extensionDevelopmentPath", remote + path.join(root, "editors/vscode")],
    ["extensionTestsPath", remote + path.join(root, "tests/editors/vscode/host", script)],
    ["skipWelcome", "true"],
  ];
  await page.goto(`${code.url}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
  const status = await Promise.race([exit, new Promise((resolve) => setTimeout(() => resolve("no end"), LIMIT_MS))]);
  if (status !== 0) {
    throw new Error(`ended with ${status}: ${last}`);
  }
  return last;
}

export const host = {
  steps: { "inside the extension host": ({ code, page, root }) => runInside(page, code, root, "index.js") },
  ...INSIDE,
};
