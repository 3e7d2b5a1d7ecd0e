// The server from finding it to its restarts: one session at a time, started at most once.
import { mkdir } from "node:fs/promises";
import * as vscode from "vscode";
import { isServerNewEnough } from "./candidates";
import { findServer, isProgram, type Source } from "./discovery";
import { ManagedServer } from "./managed";
import { onDidChangeInterpreter } from "./python";
import { Failure, type Hooks, serverArguments, ServerSession, type ServerState } from "./session";

const INSTALL = "Install";
const SETTINGS = "Open Settings";
const OWN = "Use the Extension's Own";

export class ServerLifecycle implements vscode.Disposable {
  readonly managed: ManagedServer;
  readonly #changed = new vscode.EventEmitter<ServerState>();
  readonly #subscriptions: vscode.Disposable[] = [this.#changed];
  #session: ServerSession | undefined;
  #starting: Promise<ServerSession> | undefined;
  #introduced: Promise<void> = Promise.resolve();
  #hasOffered = false;

  readonly onDidChangeState = this.#changed.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
    private readonly hooks: Hooks,
    private readonly onRunning: (session: ServerSession) => Promise<void>,
  ) {
    this.managed = new ManagedServer(context, this.#version, log);
  }

  get state(): ServerState {
    return this.#session?.state ?? "stopped";
  }

  get session(): ServerSession | undefined {
    return this.#session;
  }

  /** Return the running server, starting it where it does not run. Rejects with Failure. */
  async running(): Promise<ServerSession> {
    this.#starting ??= this.#reach().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Start in the background; what goes wrong is told to the user. */
  async startQuietly(): Promise<void> {
    await this.running().catch((error: unknown) => this.log.error(String(error)));
    this.#subscriptions.push((await onDidChangeInterpreter(this.log, () => void this.#followQuietly())) ?? { dispose: () => undefined });
  }

  /** Start again; a server that has not answered yet is ended, since it may never do so. */
  async restart(): Promise<void> {
    if (this.#session?.state === "starting") {
      await this.#session.stop();
    }
    await this.#starting?.catch(() => undefined);
    await this.#session?.stop();
    await this.running();
  }

  /** Start again where another server would now be found, or with other arguments. */
  async followSettings(): Promise<void> {
    if (this.#session?.state !== "starting") {
      await this.#starting?.catch(() => undefined);
    }
    const found = await findServer(this.managed.program, this.managed.isChosen, this.log);
    const current = this.#session;
    const isSame = found.kind === "found" && found.program === current?.program && serverArguments().join("\0") === current.args.join("\0");
    if (!isSame || !(await current.settled())) {
      await this.restart();
    }
  }

  /** Install the extension's own server and use it; where that is the user's choice, also before another that is found. */
  async install(isChoice = true): Promise<void> {
    const sentence = await this.managed.install();
    if (sentence !== undefined) {
      const chosen = await vscode.window.showErrorMessage(sentence, "Show Log", "Try Again");
      if (chosen === "Show Log") {
        this.log.show();
      } else if (chosen === "Try Again") {
        await this.install(isChoice);
      }
      return;
    }
    if (isChoice) {
      await this.managed.choose();
    }
    await this.restart();
  }

  async stop(): Promise<void> {
    await this.#session?.stop();
  }

  dispose(): void {
    this.#session?.dispose();
    this.#subscriptions.forEach((subscription) => subscription.dispose());
  }

  get #version(): string {
    return String((this.context.extension.packageJSON as { version: string }).version);
  }

  /** Return the session that runs or comes back after a crash, once it knows whom the user trusts; else a new one. */
  async #reach(): Promise<ServerSession> {
    const current = this.#session;
    if (current && (await current.settled())) {
      await this.#introduced;
      return current;
    }
    return this.#start();
  }

  async #start(): Promise<ServerSession> {
    this.#session?.dispose();
    this.#session = undefined;
    this.#changed.fire("starting");
    const found = await this.#find();
    const cwd = this.context.globalStorageUri.fsPath;
    await mkdir(cwd, { recursive: true });
    this.log.info(`server: ${found.program} (${found.source})`);
    const session = new ServerSession(found.program, cwd, this.log, this.hooks);
    this.#session = session;
    session.onDidChangeState((state) => {
      this.#changed.fire(state);
      if (state === "running") {
        this.log.info(`server version: ${session.version ?? "unknown"}`);
        this.#introduced = this.onRunning(session); // also when it is back after a crash
      }
    });
    try {
      await session.start();
    } catch (error) {
      this.#changed.fire("failed");
      throw new Failure(`The server ${found.program} did not start: ${error instanceof Error ? error.message : String(error)}. Missy: Show Log has the details.`, "internal", {});
    }
    this.#checkVersion(session, found.source);
    await this.#introduced;
    return session;
  }

  async #find(): Promise<{ readonly program: string; readonly source: Source }> {
    const found = await findServer(this.managed.program, this.managed.isChosen, this.log);
    if (found.kind === "found") {
      return found;
    }
    if (found.kind === "bad-setting") {
      this.#changed.fire("failed");
      void vscode.window.showErrorMessage(`Missy: ${found.sentence}`, SETTINGS).then((chosen) => {
        if (chosen === SETTINGS) {
          this.#openSetting();
        }
      });
      throw new Failure(found.sentence, "internal", {});
    }
    if (this.managed.hasConsent) {
      // An update of the extension: its server is kept current without asking again.
      const sentence = await this.managed.install();
      if (sentence === undefined) {
        return { program: this.managed.program, source: "the extension's own environment" };
      }
      this.log.error(sentence);
      const other = await findServer(this.managed.program, false, this.log);
      if (other.kind === "found") {
        return other;
      }
    }
    this.#changed.fire("failed");
    void this.#offerInstallation();
    throw new Failure("There is no Missy server yet. Run Missy: Install Server…, or set missy.server.path.", "internal", {});
  }

  async #offerInstallation(): Promise<void> {
    if (this.#hasOffered) {
      return;
    }
    this.#hasOffered = true;
    const chosen = await vscode.window.showInformationMessage(
      `Missy needs its server, and none was found. Install missy-lsp ${this.#version} with pip into an environment of the extension's own?`,
      INSTALL,
      SETTINGS,
    );
    if (chosen === INSTALL) {
      await this.install(false);
    } else if (chosen === SETTINGS) {
      this.#openSetting();
    }
  }

  async #followQuietly(): Promise<void> {
    await this.followSettings().catch((error: unknown) => this.log.error(String(error)));
  }

  #checkVersion(session: ServerSession, source: Source): void {
    const version = session.version ?? "unknown";
    if (isServerNewEnough(version, this.#version)) {
      return;
    }
    const message = `Missy: the server from ${source} is version ${version}; this extension is made for ${this.#version}. Some things may not work.`;
    // What the setting names is not passed over; there the setting is what has to change.
    const button = source === "the setting missy.server.path" ? SETTINGS : OWN;
    void vscode.window.showWarningMessage(message, button).then((chosen) => {
      if (chosen === OWN) {
        void this.#useOwn();
      } else if (chosen === SETTINGS) {
        this.#openSetting();
      }
    });
  }

  async #useOwn(): Promise<void> {
    if (!(await isProgram(this.managed.program))) {
      return this.install();
    }
    await this.managed.choose();
    await this.restart().catch((error: unknown) => this.log.error(String(error))); // told by the status bar
  }

  #openSetting(): void {
    void vscode.commands.executeCommand("workbench.action.openSettings", "missy.server.path");
  }

}
