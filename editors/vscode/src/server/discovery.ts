// Find the server: the setting, the active Python environment, PATH, the environment of the extension's own.
import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { besideInterpreter, isInside, programName, searchPath, withHome } from "./candidates";
import { activeInterpreter } from "./python";

export type Found =
  | { readonly kind: "found"; readonly program: string; readonly source: Source }
  | { readonly kind: "bad-setting"; readonly sentence: string }
  | { readonly kind: "none" };

export type Source = "the setting missy.server.path" | "the active Python environment" | "PATH" | "the extension's own environment";

/** Look for the server. `managed` is where the extension's own one would stand; the user may have chosen it before all but the setting. */
export async function findServer(managed: string, isChosen: boolean, log: vscode.LogOutputChannel): Promise<Found> {
  const setting = (vscode.workspace.getConfiguration("missy").get<string>("server.path") ?? "").trim();
  if (setting !== "") {
    return fromSetting(setting);
  }
  if (isChosen) {
    return fromManaged(managed);
  }
  const interpreter = await activeInterpreter(log);
  if (interpreter !== undefined) {
    for (const program of besideInterpreter(interpreter, process.platform)) {
      if ((await isProgram(program)) && (await mayRun(program))) {
        return { kind: "found", program, source: "the active Python environment" };
      }
    }
  }
  for (const folder of searchPath(process.env["PATH"], workspaceFolders(), process.platform)) {
    const program = path.join(folder, programName("missy-lsp", process.platform));
    // Also where a link leads into the workspace: what is on PATH has to be installed, not checked out.
    if ((await isProgram(program)) && !(await isInWorkspace(program))) {
      return { kind: "found", program, source: "PATH" };
    }
  }
  return fromManaged(managed);
}

/** Tell whether a file is there and may be executed. */
export async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Tell whether something of this place may be run now: a workspace's own environment only where it is trusted. */
export async function mayRun(file: string): Promise<boolean> {
  return vscode.workspace.isTrusted || !(await isInWorkspace(file));
}

async function fromManaged(managed: string): Promise<Found> {
  return (await isProgram(managed)) ? { kind: "found", program: managed, source: "the extension's own environment" } : { kind: "none" };
}

async function fromSetting(setting: string): Promise<Found> {
  const program = withHome(setting, homedir(), process.platform);
  if (!path.isAbsolute(program)) {
    return { kind: "bad-setting", sentence: `missy.server.path has to be an absolute path; it is "${setting}".` };
  }
  if (!(await isProgram(program))) {
    return { kind: "bad-setting", sentence: `missy.server.path names ${program}, which is no program.` };
  }
  return { kind: "found", program, source: "the setting missy.server.path" };
}

async function isInWorkspace(file: string): Promise<boolean> {
  const real = await realpath(file).catch(() => file);
  const folders = await Promise.all(workspaceFolders().map((folder) => realpath(folder).catch(() => folder)));
  return [...workspaceFolders(), ...folders].some(
    (folder) => isInside(file, folder, process.platform) || isInside(real, folder, process.platform),
  );
}

function workspaceFolders(): string[] {
  return (vscode.workspace.workspaceFolders ?? [])
    .filter((folder) => folder.uri.scheme === "file")
    .map((folder) => folder.uri.fsPath);
}
