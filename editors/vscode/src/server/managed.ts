// The extension's own environment: one folder per server version, below the extension's storage.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import { environmentProgram } from "./candidates";
import { isProgram } from "./discovery";
import { run } from "./processes";
import { findPython } from "./python";

const PREFIX = "server-";
const CONSENT = "missy.installConsent";
const CHOSEN = "missy.ownServerChosen";
const VENV_MS = 120_000;
const PIP_MS = 900_000;

export class ManagedServer {
  readonly #folder: string;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly version: string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#folder = path.join(context.globalStorageUri.fsPath, `${PREFIX}${version}`);
  }

  /** Where the server stands once it is installed. */
  get program(): string {
    return environmentProgram(this.#folder, "missy-lsp", process.platform);
  }

  /** Whether the user said yes to an earlier version: a newer one is then installed without asking again. */
  get hasConsent(): boolean {
    return this.context.globalState.get<boolean>(CONSENT) === true;
  }

  /** Whether the user chose it before one that stands elsewhere. */
  get isChosen(): boolean {
    return this.context.globalState.get<boolean>(CHOSEN) === true;
  }

  /** Use it from now on, before one that stands elsewhere. */
  async choose(): Promise<void> {
    await this.context.globalState.update(CHOSEN, true);
  }

  /** Make the environment and install the pinned server. Resolves to a sentence where that fails or is cancelled. */
  async install(): Promise<string | undefined> {
    await this.context.globalState.update(CONSENT, true);
    return vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: `Missy: installing the server ${this.version}`, cancellable: true },
      async (progress, token) => {
        const abort = new AbortController();
        const subscription = token.onCancellationRequested(() => abort.abort());
        try {
          const sentence = await this.#inItsPlace(() => this.#install((message) => progress.report({ message }), abort.signal));
          return token.isCancellationRequested ? "The installation was cancelled." : sentence;
        } finally {
          subscription.dispose();
        }
      },
    );
  }

  /** Remove the environments of other versions; one that is in use elsewhere goes another time. */
  async removeOthers(): Promise<void> {
    const root = this.context.globalStorageUri.fsPath;
    const entries = await readdir(root).catch(() => []);
    for (const entry of entries.filter((name) => name.startsWith(PREFIX) && path.join(root, name) !== this.#folder)) {
      await rm(path.join(root, entry), { recursive: true, force: true }).catch((error: unknown) => this.log.info(String(error)));
    }
  }

  /**
   * Build a server where it stays, since a virtual environment can't be moved. One that is there already is put aside for
   * the time, and back where the new one comes to nothing: without the network there would be none after that.
   */
  async #inItsPlace(build: () => Promise<string | undefined>): Promise<string | undefined> {
    const aside = `${this.#folder}.before`;
    if (await isProgram(this.program)) {
      await rm(aside, { recursive: true, force: true });
      await rename(this.#folder, aside);
    }
    let isBuilt = false;
    try {
      const sentence = await build();
      isBuilt = sentence === undefined;
      return sentence;
    } finally {
      if (!isBuilt) {
        await this.#setAside();
        await rename(aside, this.#folder).catch(() => undefined); // where there was one
      }
    }
  }

  async #install(report: (message: string) => void, signal: AbortSignal): Promise<string | undefined> {
    const root = this.context.globalStorageUri.fsPath;
    await mkdir(root, { recursive: true });
    report("looking for Python");
    const python = await findPython(root, this.log);
    if (python === undefined) {
      return "Python 3.11, 3.12, 3.13 or 3.14 is needed and none was found. Install one from python.org or your system's packages, then try again.";
    }
    // What a broken attempt left is cleared away.
    await rm(this.#folder, { recursive: true, force: true });
    report(`making an environment with ${python}`);
    const made = await run(python, ["-I", "-m", "venv", this.#folder], { cwd: root, timeoutMs: VENV_MS, signal });
    if (made.code !== 0) {
      return this.#failed("Python's venv module does not work (on Debian and Ubuntu: apt install python3-venv)", made.stdout + made.stderr);
    }
    report(`installing missy-lsp ${this.version} with pip`);
    // -I keeps PYTHONPATH and the folder out; pip's own settings (index, proxy, certificates) count.
    const pip = ["-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:", `missy-lsp==${this.version}`];
    const installed = await run(environmentProgram(this.#folder, "python", process.platform), pip, {
      cwd: root,
      timeoutMs: PIP_MS,
      signal,
      onLine: (line) => this.log.info(line),
    });
    if (installed.code !== 0 || !(await isProgram(this.program))) {
      return this.#failed("pip could not install it; its messages are in the log. A private index or a proxy is set in pip's own configuration (pip.conf, PIP_INDEX_URL, HTTPS_PROXY)", installed.stdout + installed.stderr);
    }
    await this.removeOthers();
    return undefined;
  }

  async #setAside(): Promise<void> {
    const broken = `${this.#folder}.broken`;
    await rm(broken, { recursive: true, force: true }).catch(() => undefined);
    await rename(this.#folder, broken).catch(() => undefined);
    await rm(broken, { recursive: true, force: true }).catch(() => undefined);
  }

  #failed(sentence: string, output: string): string {
    this.log.error(output.trim().slice(-4000));
    return `The server could not be installed: ${sentence}.`;
  }
}
