// Python interpreters: the one that the Python extension has chosen, and those that can make an environment.
import path from "node:path";
import * as vscode from "vscode";
import { programName, readVersion, searchPath } from "./candidates";
import { isProgram, mayRun } from "./discovery";
import { run } from "./processes";

const PYTHON_EXTENSION = "ms-python.python";
const ACTIVATION_MS = 5000;
const OLDEST = 11;
const NEWEST = 14;

interface PythonApi {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(path: { readonly path: string }): Promise<{ readonly executable?: { readonly uri?: vscode.Uri } } | undefined>;
    readonly onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
  };
}

/** Return the interpreter that is active in the Python extension, where that is installed. */
export async function activeInterpreter(log: vscode.LogOutputChannel): Promise<string | undefined> {
  const environments = (await pythonApi(log))?.environments;
  if (!environments) {
    return undefined;
  }
  try {
    const active = environments.getActiveEnvironmentPath(vscode.workspace.workspaceFolders?.[0]?.uri);
    const resolved = await within(environments.resolveEnvironment(active), ACTIVATION_MS);
    const program = resolved?.executable?.uri?.fsPath;
    return program !== undefined && path.isAbsolute(program) ? program : undefined;
  } catch (error) {
    log.warn(`The Python extension does not tell its environment: ${String(error)}`);
    return undefined;
  }
}

/** Call `changed` when another environment becomes active. */
export async function onDidChangeInterpreter(log: vscode.LogOutputChannel, changed: () => void): Promise<vscode.Disposable | undefined> {
  return (await pythonApi(log))?.environments?.onDidChangeActiveEnvironmentPath?.(changed);
}

/** Return a Python that the server runs on (3.11 to 3.14), the active one first. */
export async function findPython(cwd: string, log: vscode.LogOutputChannel): Promise<string | undefined> {
  const active = await activeInterpreter(log);
  const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  const names = ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11"];
  const candidates = active !== undefined && (await mayRun(active)) ? [active] : [];
  for (const folder of searchPath(process.env["PATH"], folders, process.platform)) {
    candidates.push(...names.map((name) => path.join(folder, programName(name, process.platform))));
  }
  for (const candidate of candidates) {
    if ((await isProgram(candidate)) && (await mayRun(candidate)) && (await isSupported(candidate, cwd))) {
      return candidate;
    }
  }
  return process.platform === "win32" ? fromLauncher(cwd) : undefined;
}

async function isSupported(python: string, cwd: string): Promise<boolean> {
  try {
    const ended = await run(python, ["-I", "--version"], { cwd, timeoutMs: 10_000 });
    const version = readVersion(ended.stdout || ended.stderr);
    return ended.code === 0 && version?.[0] === 3 && (version[1] ?? 0) >= OLDEST && (version[1] ?? 0) <= NEWEST;
  } catch {
    return false; // e.g. the stub of the Microsoft Store
  }
}

async function fromLauncher(cwd: string): Promise<string | undefined> {
  for (let minor = NEWEST; minor >= OLDEST; minor--) {
    const ended = await run("py.exe", [`-3.${minor}`, "-I", "-c", "import sys; print(sys.executable)"], { cwd, timeoutMs: 10_000 }).catch(() => undefined);
    const program = ended?.stdout.trim();
    if (ended?.code === 0 && program && path.isAbsolute(program)) {
      return program;
    }
  }
  return undefined;
}

async function pythonApi(log: vscode.LogOutputChannel): Promise<PythonApi | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>(PYTHON_EXTENSION);
  if (!extension) {
    return undefined;
  }
  try {
    return extension.isActive ? extension.exports : await within(Promise.resolve(extension.activate()), ACTIVATION_MS);
  } catch (error) {
    log.warn(`The Python extension did not start: ${String(error)}`);
    return undefined;
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
