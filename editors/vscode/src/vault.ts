// Hand a key to the vault of the server's command line: through its standard input, and nowhere else.
import * as vscode from "vscode";
import { besideServer } from "./server/candidates";
import { isProgram } from "./server/discovery";
import { run } from "./server/processes";

const TIMEOUT_MS = 120_000; // a key store may ask the user for its password

/** Ask for a key and store it; returns whether it is stored. */
export async function storeKey(server: string, cwd: string, provider: string): Promise<boolean> {
  const missy = besideServer(server, process.platform);
  if (!(await isProgram(missy))) {
    void vscode.window.showErrorMessage(`Missy: the command line ${missy} is not there, so the key can't be stored. Install missy-lsp anew, or run "missy vault set ${provider}_api_key" where it is installed.`);
    return false;
  }
  const key = await vscode.window.showInputBox({
    title: `API key for ${provider}`,
    prompt: "It goes into your system's key store or Missy's encrypted vault, never into settings.",
    placeHolder: "sk-ant-api…",
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) => (/\s/.test(value.trim()) ? "A key has no spaces or line breaks in it." : undefined),
  });
  if (key === undefined || key.trim() === "") {
    return false;
  }
  try {
    const ended = await run(missy, ["vault", "set", `${provider}_api_key`], { cwd, input: key.trim(), timeoutMs: TIMEOUT_MS });
    if (ended.code === 0) {
      void vscode.window.showInformationMessage(`Missy: ${lastLine(ended.stderr) || "the key is stored"}.`);
      return true;
    }
    void vscode.window.showErrorMessage(`Missy: the key could not be stored. ${lastLine(ended.stderr)}`);
  } catch (error) {
    void vscode.window.showErrorMessage(`Missy: ${missy} could not be started: ${error instanceof Error ? error.message : String(error)}`);
  }
  return false;
}

function lastLine(text: string): string {
  return text.trim().split(/\r?\n/).at(-1) ?? "";
}
