// Where a program may stand, by names alone: no file is opened or run here.
import path from "node:path";

export type Platform = NodeJS.Platform;

/** Return the file name of a program on a platform. Batch files are not considered: they need a shell. */
export function programName(name: string, platform: Platform): string {
  return platform === "win32" ? `${name}.exe` : name;
}

/**
 * Return the absolute folders of a PATH. An empty or relative entry means the current folder, which may be a
 * repository's, so they are left out, and so is every entry inside `folders`.
 */
export function searchPath(value: string | undefined, folders: readonly string[], platform: Platform): string[] {
  const own = pathOf(platform);
  return (value ?? "")
    .split(own.delimiter)
    .map((entry) => entry.replace(/^"(.*)"$/, "$1"))
    .filter((entry) => own.isAbsolute(entry) && !folders.some((folder) => isInside(entry, folder, platform)));
}

/** Tell whether a path is a folder or lies inside it. */
export function isInside(file: string, folder: string, platform: Platform): boolean {
  const own = pathOf(platform);
  const fold = (text: string): string => (platform === "win32" || platform === "darwin" ? text.toLowerCase() : text);
  const relative = own.relative(fold(folder), fold(file));
  return relative === "" || (relative !== ".." && !relative.startsWith(`..${own.sep}`) && !own.isAbsolute(relative));
}

/** Return a path whose `~/` at the start means the user's home folder; Windows takes `~\\` too. */
export function withHome(file: string, home: string, platform: Platform): string {
  const isOfHome = file.startsWith("~/") || (platform === "win32" && file.startsWith("~\\"));
  return isOfHome ? pathOf(platform).join(home, file.slice(2)) : file;
}

/** Return where the server of a Python environment would stand, by the path of its interpreter. */
export function besideInterpreter(interpreter: string, platform: Platform): string[] {
  const own = pathOf(platform);
  const folder = own.dirname(interpreter);
  const name = programName("missy-lsp", platform);
  // On Windows an interpreter that is not in a virtual environment has its scripts one level down.
  return platform === "win32" ? [own.join(folder, name), own.join(folder, "Scripts", name)] : [own.join(folder, name)];
}

/** Return where a virtual environment has its programs. */
export function environmentProgram(folder: string, name: string, platform: Platform): string {
  const own = pathOf(platform);
  return own.join(folder, platform === "win32" ? "Scripts" : "bin", programName(name, platform));
}

/** Return where the command line `missy` stands beside a server. */
export function besideServer(server: string, platform: Platform): string {
  return pathOf(platform).join(pathOf(platform).dirname(server), programName("missy", platform));
}

/** Read "missy-lsp 0.1.0" or "0.1.0"; undefined where it is no version. */
export function readVersion(text: string): readonly number[] | undefined {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)] : undefined;
}

/** Tell whether a server of this version knows what this extension asks for: same major, at least that minor. */
export function isServerNewEnough(server: string, extension: string): boolean {
  const has = readVersion(server);
  const needs = readVersion(extension);
  if (!has || !needs) {
    return false;
  }
  return has[0] === needs[0] && (has[1] ?? 0) >= (needs[1] ?? 0);
}

function pathOf(platform: Platform): path.PlatformPath {
  return platform === "win32" ? path.win32 : path.posix;
}
