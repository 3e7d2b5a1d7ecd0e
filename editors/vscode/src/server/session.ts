// The running server: one language client, its commands with streams and progress, its restarts.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  ErrorCodes,
  type ErrorHandler,
  type Executable,
  ExecuteCommandRequest,
  LanguageClient,
  type LanguageClientOptions,
  ProgressType,
  ResponseError,
  RevealOutputChannelOn,
  State,
  WorkDoneProgress,
} from "vscode-languageclient/node";
import type { FailureData, Partial } from "../protocol";

export type ServerState = "stopped" | "starting" | "running" | "failed";

export interface Streams {
  readonly onPartial?: (value: Partial) => void;
  /** Progress in words: "about 120 tokens so far". */
  readonly onProgress?: (message: string) => void;
  readonly token?: vscode.CancellationToken;
}

export interface Hooks {
  /** Run a command that the server put into a code action. */
  readonly runCommand: (command: string, argument: object) => Promise<unknown>;
  readonly onPendingEdits: (uri: vscode.Uri, ids: ReadonlySet<string>) => void;
  /** Answer a question of the server's; `ask` shows it to the user. */
  readonly onQuestion: (actions: readonly { readonly title: string }[], ask: () => Thenable<{ title: string } | undefined>) => Promise<{ title: string } | null>;
}

const RESTARTS = 4;
const START_CHECK_MS = 100; // until the process of a start that has just begun is there
const CONNECTION_LOST: readonly number[] = [ErrorCodes.PendingResponseRejected, ErrorCodes.ConnectionInactive, ErrorCodes.MessageWriteError];
const PIPE_BROKEN: readonly string[] = ["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED"];
const PARTIAL = new ProgressType<Partial>();
const SCHEMES = ["file", "untitled", "vscode-vfs", "vscode-notebook-cell"];

/** A client that shows no error any more once it is left: what it says then is of a start that was ended on purpose. */
class Client extends LanguageClient {
  isLeft = false;

  override error(message: string, data?: unknown, showNotification?: boolean | "force"): void {
    super.error(message, data, this.isLeft ? false : showNotification);
  }
}

export class ServerSession implements vscode.Disposable {
  readonly #client: Client;
  readonly #changes = new vscode.EventEmitter<ServerState>();
  #state: ServerState = "stopped";

  readonly args = serverArguments();
  readonly onDidChangeState = this.#changes.event;

  constructor(
    readonly program: string,
    cwd: string,
    private readonly log: vscode.LogOutputChannel,
    hooks: Hooks,
  ) {
    // Not in the workspace: what lies there has no part in how a program starts.
    const executable: Executable = { command: program, args: [...this.args], options: { cwd, shell: false } };
    this.#client = new Client("missy", "Missy", { run: executable, debug: executable }, this.#options(hooks));
    this.#client.onDidChangeState((event) => this.#enter(stateOf(event.newState)));
    this.#client.onRequest("window/showMessageRequest", (params: { message: string; actions?: { title: string }[] }) =>
      hooks.onQuestion(params.actions ?? [], () => vscode.window.showWarningMessage(params.message, ...(params.actions ?? []))),
    );
  }

  get state(): ServerState {
    return this.#state;
  }

  get isRunning(): boolean {
    return this.#client.state === State.Running;
  }

  /** The version that the server says of itself. */
  get version(): string | undefined {
    return this.#client.initializeResult?.serverInfo?.version;
  }

  /** Whether the server has a command; older ones lack some. */
  has(command: string): boolean {
    return this.#client.initializeResult?.capabilities.executeCommandProvider?.commands.includes(command) ?? false;
  }

  /** Whether the server is sent documents of this kind. */
  static sees(document: vscode.TextDocument): boolean {
    return SCHEMES.includes(document.uri.scheme);
  }

  uriOf(uri: vscode.Uri): string {
    return this.#client.code2ProtocolConverter.asUri(uri);
  }

  async start(): Promise<void> {
    this.#enter("starting");
    try {
      await this.#client.start();
    } catch (error) {
      this.#enter("failed");
      throw error;
    }
  }

  /**
   * Wait for a start that is under way, and return whether the server runs then. After a crash the client starts its
   * server again by itself; a second client beside it would fail, since the server's commands are registered once.
   */
  async settled(): Promise<boolean> {
    while (this.#client.state === State.Starting) {
      await this.#client.start().catch(() => undefined); // joins the start that is under way
    }
    return this.isRunning;
  }

  /** Run a command of the server's. Rejects with Failure. */
  async execute<Result>(command: string, argument: object = {}, streams: Streams = {}): Promise<Result> {
    const subscriptions: vscode.Disposable[] = [];
    let given = argument;
    let workDoneToken: string | undefined;
    if (streams.onPartial) {
      const token = randomUUID();
      given = { ...argument, partialResultToken: token, wait: true };
      subscriptions.push(this.#client.onProgress(PARTIAL, token, streams.onPartial));
    }
    if (streams.onProgress) {
      workDoneToken = randomUUID();
      const report = streams.onProgress;
      subscriptions.push(
        this.#client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
          if (value.kind === "report" && value.message !== undefined) {
            report(value.message);
          }
        }),
      );
    }
    const params = { command, arguments: [given], ...(workDoneToken === undefined ? {} : { workDoneToken }) };
    try {
      return (await this.#client.sendRequest(ExecuteCommandRequest.type, params, streams.token)) as Result;
    } catch (error) {
      throw failureOf(error);
    } finally {
      subscriptions.forEach((subscription) => subscription.dispose());
    }
  }

  /** Tell the server to ask for the settings again. */
  async settingsChanged(): Promise<void> {
    if (this.isRunning) {
      await this.#client.sendNotification("workspace/didChangeConfiguration", { settings: null });
    }
  }

  /** Stop for good. A server that has not answered yet is ended: one that hangs would be waited for without end. */
  async stop(): Promise<void> {
    this.#client.isLeft = true;
    while (this.#client.state === State.Starting) {
      // A client can't be stopped in the middle of its start. The end of what it reads ends that, whoever else holds the pipe.
      const server = this.#client.serverProcess;
      server?.kill();
      server?.stdin?.destroy();
      server?.stdout?.destroy();
      await Promise.race([this.settled(), new Promise((resolve) => setTimeout(resolve, START_CHECK_MS))]);
    }
    if (this.#client.needsStop()) {
      await this.#client.stop().catch((error: unknown) => this.log.warn(`The server did not stop in time: ${String(error)}`));
    }
  }

  dispose(): void {
    void this.stop().finally(() => void this.#client.dispose().catch(() => undefined));
    this.#changes.dispose();
  }

  #options(hooks: Hooks): LanguageClientOptions {
    return {
      documentSelector: SCHEMES.map((scheme) => ({ scheme })),
      outputChannel: this.log,
      traceOutputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      diagnosticCollectionName: "missy",
      errorHandler: this.#errorHandler(),
      initializationFailedHandler: (error: unknown) => {
        if (!this.#client.isLeft) {
          void vscode.window.showErrorMessage(`Missy: the server ${this.program} did not start: ${error instanceof Error ? error.message : String(error)}`);
        }
        return false;
      },
      // What a model wrote runs no commands and shows no raw HTML (a test holds this).
      markdown: { isTrusted: false, supportHtml: false },
      middleware: {
        executeCommand: async (command, args) => hooks.runCommand(command, (args[0] as object | undefined) ?? {}),
        provideCodeActions: async (document, range, context, token, next) => ((await next(document, range, context, token)) ?? []).map(withInputBox),
        handleDiagnostics: (uri, diagnostics, next) => {
          next(uri, diagnostics);
          hooks.onPendingEdits(uri, pendingIds(diagnostics));
        },
        workspace: { configuration: (params) => params.items.map((item) => (item.section === "missy" ? ownSettings() : null)) },
      },
    };
  }

  /** Do as the language client does by itself, but restart a server that has ended whatever was the first sign of its end. */
  #errorHandler(): ErrorHandler {
    let made: ErrorHandler | undefined;
    const standard = (): ErrorHandler => (made ??= this.#client.createDefaultErrorHandler(RESTARTS));
    return {
      // A write to a server that has just ended fails before its end is seen. By itself the client would give it up for that.
      error: (error, message, count) =>
        PIPE_BROKEN.includes((error as NodeJS.ErrnoException).code ?? "") ? { action: ErrorAction.Continue, handled: true } : standard().error(error, message, count),
      closed: () => (this.#client.isLeft ? { action: CloseAction.DoNotRestart, handled: true } : standard().closed()),
    };
  }

  #enter(state: ServerState): void {
    if (state !== this.#state) {
      this.#state = state;
      this.#changes.fire(state);
    }
  }
}

/** Return the arguments that the user's settings give the server. */
export function serverArguments(): readonly string[] {
  return vscode.workspace.getConfiguration("missy").get<unknown[]>("server.args", []).filter((arg) => typeof arg === "string");
}

/** A request that came to nothing: what the server says of it. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly kind: string,
    readonly data: FailureData,
  ) {
    super(message);
  }
}

/**
 * Where an editor has no place to type, the server's action "Edit" begins a comment for the instruction; here is an
 * input box instead.
 */
function withInputBox(action: vscode.CodeAction | vscode.Command): vscode.CodeAction | vscode.Command {
  if (!(action instanceof vscode.CodeAction) || action.command || !action.edit || action.kind?.value !== "refactor.rewrite.missy.edit") {
    return action;
  }
  const own = new vscode.CodeAction(`${action.title}…`, action.kind);
  own.command = { title: own.title, command: "missy.editSelection" };
  return own;
}

/** Return what the user has set, and only that: a default of ours must not override the configuration file. */
function ownSettings(): object {
  const settings = vscode.workspace.getConfiguration("missy");
  const set = (name: string): string | undefined => settings.inspect<string>(name)?.globalValue;
  const hover = set("hover.mode");
  const completion = set("completion.mode");
  const review = set("edits.review");
  const sections = { ...(hover === undefined ? {} : { hover: { mode: hover } }), ...(completion === undefined ? {} : { completion: { mode: completion } }) };
  return { ...sections, ...(review === undefined ? {} : { edits: { review } }) };
}

function pendingIds(diagnostics: readonly vscode.Diagnostic[]): Set<string> {
  const ids = new Set<string>();
  for (const diagnostic of diagnostics as (vscode.Diagnostic & { data?: { id?: unknown } })[]) {
    if (diagnostic.source === "missy" && diagnostic.code === "pending-edit" && typeof diagnostic.data?.id === "string") {
      ids.add(diagnostic.data.id);
    }
  }
  return ids;
}

function failureOf(error: unknown): Failure {
  if (error instanceof ResponseError) {
    if (CONNECTION_LOST.includes(error.code)) {
      return new Failure("The Missy server ended before it answered, and is started again: ask once more. Missy: Show Log has the details.", "internal", {});
    }
    const data = (error.data ?? {}) as FailureData;
    return new Failure(error.message, error.code === -32800 ? "cancelled" : (data.kind ?? "internal"), data);
  }
  return new Failure(error instanceof Error ? error.message : String(error), "internal", {});
}

function stateOf(state: State): ServerState {
  switch (state) {
    case State.Running:
      return "running";
    case State.Starting:
      return "starting";
    case State.StartFailed:
      return "failed";
    default:
      return "stopped";
  }
}
