// Run a program to its end. Never through a shell, never in a folder of the user's.
import { spawn } from "node:child_process";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT = 1024 * 1024;

export interface RunOptions {
  readonly cwd: string;
  readonly input?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/** Run a program. Rejects where it can't be started; a time-out or an abort kills it and gives code null. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      stdio: ["pipe", "pipe", "pipe"],
      shell: false,
      windowsHide: true,
      timeout: options.timeoutMs,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout = (stdout + text).slice(-MAX_OUTPUT);
      text.split(/\r?\n/).filter(Boolean).forEach((line) => options.onLine?.(line));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-MAX_OUTPUT);
    });
    child.on("error", (error) => {
      if (error.name === "AbortError") {
        resolve({ code: null, stdout, stderr });
      } else {
        reject(error);
      }
    });
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => undefined); // a program that does not read what it is given
    child.stdin.end(options.input ?? "");
  });
}
