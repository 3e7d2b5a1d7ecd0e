// Missy for VS Code: a thin client of the language server. Prompts, routing and keys stay with the server.
import * as vscode from "vscode";
import { Asking } from "./answers/asking";
import { AnswerPanel, PANEL_TYPE } from "./answers/panel";
import { AnswerStore } from "./answers/store";
import { GroupReview } from "./changes/groups";
import { ChangeLenses, proposalInTab, Review } from "./changes/review";
import { type PendingChange, PendingChanges, PROPOSAL_SCHEME, ProposalDocuments, proposalId } from "./changes/pending";
import { Pages, servePanel, showLastAnswers, showMenu, showProviders, showUsage, spentToday } from "./commands/facts";
import { ModelCommands } from "./commands/model";
import type { Answer, Edit, Provider, Tier } from "./protocol";
import { Running } from "./running";
import { ServerLifecycle } from "./server/lifecycle";
import { Failure, ServerSession } from "./server/session";
import { StatusBar } from "./statusBar";
import { WorkspaceTrust } from "./trust";
import { storeKey } from "./vault";

const WELCOMED = "missy.welcomed";
const STORE_KEY = "Store API Key…";
const KEY_KINDS = ["no_key", "setup_token", "authentication"];

/** What a command is given about the change that is meant: its id by a link, the address of a document by a button. */
type Named = { readonly id?: string } | vscode.Uri;

let extension: Extension | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  extension = new Extension(context);
  extension.register();
  // Not awaited: the editor goes on while Python starts.
  void extension.start();
}

export async function deactivate(): Promise<void> {
  await extension?.stop();
}

class Extension {
  readonly #log = vscode.window.createOutputChannel("Missy", { log: true });
  readonly #pending = new PendingChanges();
  readonly #running = new Running();
  readonly #status = new StatusBar();
  readonly #trust = new WorkspaceTrust(this.#log);
  readonly #pages = new Pages();
  readonly #panel: AnswerPanel;
  readonly #store: AnswerStore;
  readonly #servers: ServerLifecycle;
  readonly #asking: Asking;
  readonly #review: Review;
  readonly #groups: GroupReview;
  readonly #models: ModelCommands;
  #lastEditor: vscode.TextEditor | undefined;
  #provider: Provider | undefined;
  #todayUsd: number | undefined;

  constructor(private readonly context: vscode.ExtensionContext) {
    this.#panel = new AnswerPanel(context.extensionUri);
    this.#store = new AnswerStore(context.workspaceState);
    this.#servers = new ServerLifecycle(
      context,
      this.#log,
      {
        runCommand: (command, argument) => this.#runOffered(command, argument),
        onPendingEdits: (uri, ids) => this.#pending.marked(uri, ids),
        onQuestion: (actions, ask) => this.#trust.answer(this.#servers.session, actions, ask),
      },
      (session) => this.#serverRuns(session),
    );
    const server = (): Promise<ServerSession> => this.#servers.running();
    const onGroup = (question: string, answer: Answer, edit: Edit): void => void this.#guarded(() => this.#groups.take(question, answer, edit));
    const onFailure = (failure: Failure): void => void this.#tellFailure(failure);
    this.#asking = new Asking(server, this.#panel, this.#store, this.#running, this.#log, onGroup);
    this.#review = new Review(server, this.#pending, this.#running, (title, answer) => this.#showReply(title, answer), onFailure, onGroup);
    this.#groups = new GroupReview(server, this.#pending, (change) => this.#review.show(change), onFailure);
    this.#models = new ModelCommands(server, this.#asking, this.#review, this.#store, () => this.#editorBeside());
  }

  register(): void {
    const documents = new ProposalDocuments(this.#pending);
    this.context.subscriptions.push(
      this.#log, this.#pending, this.#running, this.#status, this.#panel, this.#servers, this.#asking, this.#groups, documents,
      vscode.workspace.registerTextDocumentContentProvider(PROPOSAL_SCHEME, documents),
      vscode.workspace.registerTextDocumentContentProvider(Pages.scheme, this.#pages),
      vscode.languages.registerCodeLensProvider([{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-vfs" }], new ChangeLenses(this.#pending)),
      vscode.window.registerWebviewPanelSerializer(PANEL_TYPE, { deserializeWebviewPanel: async (panel, state) => this.#revive(panel, state) }),
      servePanel(this.#panel, this.#asking, () => this.#editorBeside()),
      this.#servers.onDidChangeState((state) => {
        if (state !== "running") {
          this.#pending.clear(); // a new server knows nothing of the old one's changes
          this.#groups.clear();
        }
        this.#show();
      }),
      this.#running.onDidChange(() => {
        this.#show();
        if (this.#running.count === 0) {
          void this.#refreshFacts();
        }
      }),
      this.#pending.onDidChange((change) => {
        this.#show();
        if (!change || !this.#pending.get(change.id)) {
          void this.#review.closeGone();
        }
      }),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        this.#noteEditor(editor);
        this.#show();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => void this.#settingsChanged(event)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.#trusted()),
    );
    this.#registerCommands();
    this.#noteEditor(vscode.window.activeTextEditor);
    this.#show();
  }

  async start(): Promise<void> {
    await this.#servers.startQuietly();
  }

  async stop(): Promise<void> {
    await this.#servers.stop();
  }

  #registerCommands(): void {
    const commands: Record<string, (...args: never[]) => unknown> = {
      "missy.askQuestion": () => this.#models.ask(),
      "missy.askSelection": () => this.#models.askAboutSelection(),
      "missy.editSelection": () => this.#models.editSelection(),
      "missy.chooseAction": () => this.#models.chooseAction(),
      "missy.explain": () => this.#models.explain(),
      "missy.acceptChange": (given?: Named) => this.#withChange(given, (change) => this.#review.accept(change.id, change.title)),
      "missy.discardChange": (given?: Named) => this.#withChange(given, (change) => this.#review.discard(change.id, change.title)),
      "missy.showPendingChange": (given?: Named) => this.#withChange(given, (change) => this.#review.show(change)),
      "missy.askAboutChange": (given?: Named) => this.#withChange(given, (change) => this.#models.askAboutChange(change), this.#review.latest),
      "missy.retryChange": (given?: Named, tier?: Tier) => this.#withChange(given, (change) => this.#review.retry(change.id, tier)),
      "missy.stopRequests": () => this.#stopRequests(),
      "missy.showProviders": async () => this.#take(await showProviders(await this.#servers.running())),
      "missy.showUsage": async () => showUsage(await this.#servers.running(), this.#pages),
      "missy.storeApiKey": () => this.#storeKey(),
      "missy.restartServer": () => this.#servers.restart(),
      "missy.showLog": () => this.#log.show(),
      "missy.showLastAnswers": () => showLastAnswers(this.#store, this.#panel),
      "missy.forgetAnswers": async () => {
        await this.#store.forget();
        vscode.window.setStatusBarMessage("Missy: the kept answers and questions are forgotten", 5000);
      },
      "missy.installServer": () => this.#servers.install(),
      "missy.showMenu": () => showMenu(),
    };
    for (const [name, run] of Object.entries(commands)) {
      this.context.subscriptions.push(vscode.commands.registerCommand(name, (...args: never[]) => this.#guarded(() => run(...args))));
    }
  }

  /** Run a command; what fails is told once, here. */
  async #guarded(run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (error instanceof Failure) {
        await this.#tellFailure(error);
      } else {
        this.#log.error(error instanceof Error ? error : String(error));
        void vscode.window.showErrorMessage(`Missy: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  /** Run what the light bulb offers; the server's commands come here instead of going to it directly. */
  async #runOffered(command: string, argument: { readonly id?: string; readonly tier?: Tier; readonly hunks?: readonly number[] }): Promise<void> {
    const change = this.#pending.get(argument.id ?? "");
    await this.#guarded(async () => {
      switch (command) {
        case "missy.runAction":
          return this.#models.runOffered(argument as Parameters<ModelCommands["runOffered"]>[0]);
        case "missy.accept":
          return (await this.#groups.settle(argument.id, "accept")) || this.#review.accept(argument.id ?? "", change?.title ?? "the change", argument.hunks);
        case "missy.discard":
          return (await this.#groups.settle(argument.id, "discard")) || this.#review.discard(argument.id ?? "", change?.title ?? "the change");
        case "missy.retry":
          return this.#review.retry(argument.id ?? "", argument.tier);
        case "missy.showDiff":
          return change ? this.#review.show(change) : (await this.#servers.running()).execute(command, argument);
        default:
          return (await this.#servers.running()).execute(command, argument);
      }
    });
  }

  async #serverRuns(session: ServerSession): Promise<void> {
    await this.#trust.pass(session);
    await this.#refreshFacts();
    // Not awaited: what the user does meanwhile needs no answer to it.
    void this.#guarded(() => this.#welcome());
  }

  /** Tell a user without a key, once, how to store one. */
  async #welcome(): Promise<void> {
    const provider = this.#provider;
    if (!provider || provider.available || provider.keys.count > 0 || this.context.globalState.get<boolean>(WELCOMED)) {
      return;
    }
    await this.context.globalState.update(WELCOMED, true);
    const GUIDE = "Open the Guide";
    const chosen = await vscode.window.showInformationMessage(`Missy: ${provider.name} is unavailable: ${provider.reason ?? ""}`, STORE_KEY, GUIDE);
    if (chosen === STORE_KEY) {
      await vscode.commands.executeCommand("missy.storeApiKey");
    } else if (chosen === GUIDE) {
      await vscode.commands.executeCommand("workbench.action.openWalkthrough", `${this.context.extension.id}#start`, false);
    }
  }

  async #refreshFacts(): Promise<void> {
    const session = this.#servers.session;
    if (session?.isRunning) {
      this.#todayUsd = await spentToday(session);
      const providers = session.execute<Provider[]>("missy.listProviders");
      this.#take(await providers.catch((error: unknown) => this.#log.error(String(error))) ?? undefined);
    }
  }

  #take(providers: readonly Provider[] | undefined): void {
    if (providers) {
      this.#provider = providers.find((provider) => provider.default) ?? providers[0];
      this.#show();
    }
  }

  #show(): void {
    const { state } = this.#servers;
    const editor = vscode.window.activeTextEditor;
    this.#status.show({ state, running: this.#running.titles, pending: this.#pending.all.length, provider: this.#provider, todayUsd: this.#todayUsd });
    const contexts: Record<string, boolean> = {
      "missy.isReady": state === "running",
      "missy.hasKey": (this.#provider?.available ?? false) && (this.#provider?.keys.count ?? 0) > 0,
      "missy.isRunning": this.#running.count > 0,
      "missy.hasPendingChange": this.#pending.all.length > 0,
      "missy.pendingInEditor": editor !== undefined && this.#pending.on(editor.document.uri).length > 0,
    };
    for (const [name, value] of Object.entries(contexts)) {
      this.#setContext(name, value);
    }
  }

  readonly #contexts = new Map<string, boolean>();

  #noteEditor(editor: vscode.TextEditor | undefined): void {
    if (editor && ServerSession.sees(editor.document)) {
      this.#lastEditor = editor; // neither the panel, which is none, nor the log
    }
  }

  /** The editor that has the focus or, where the panel has it, had it last; none that can't be seen. */
  #editorBeside(): vscode.TextEditor | undefined {
    const seen = vscode.window.visibleTextEditors.filter((editor) => ServerSession.sees(editor.document));
    return seen.find((editor) => editor === this.#lastEditor) ?? seen.find((editor) => editor.document === this.#lastEditor?.document) ?? seen[0];
  }

  #setContext(name: string, value: boolean): void {
    if (this.#contexts.get(name) !== value) {
      this.#contexts.set(name, value);
      void vscode.commands.executeCommand("setContext", name, value);
    }
  }

  async #withChange(given: Named | undefined, run: (change: PendingChange) => Promise<void>, other?: PendingChange): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    // A button of a diff gives the address of the diff's right side; a key gives nothing, wherever in the diff the focus is.
    const named = (given instanceof vscode.Uri ? proposalId(given) : given?.id) ?? proposalInTab(vscode.window.tabGroups.activeTabGroup.activeTab);
    const isAbout = named !== undefined || (editor && this.#pending.on(editor.document.uri).length > 0);
    if (!isAbout && (await this.#groups.decide())) {
      return;
    }
    // What is named is meant, and where it is gone no other in its place.
    const change = named === undefined ? (this.#pending.at(editor) ?? other) : (this.#pending.get(named) ?? (other?.id === named ? other : undefined));
    if (change) {
      await run(change);
    } else {
      void vscode.window.showInformationMessage("Missy: no change waits for review.");
    }
  }

  async #stopRequests(): Promise<void> {
    const stopped = this.#running.stopAll();
    const session = this.#servers.session;
    const others = session?.isRunning ? (await session.execute<{ stopped: number }>("missy.stop")).stopped : 0;
    vscode.window.setStatusBarMessage(stopped + others > 0 ? "$(debug-stop) Missy: stopped" : "Missy: nothing is running", 4000);
  }

  async #storeKey(): Promise<void> {
    const session = await this.#servers.running();
    const name = this.#provider?.name === "offline" ? "anthropic" : (this.#provider?.name ?? "anthropic");
    if (await storeKey(session.program, this.context.globalStorageUri.fsPath, name)) {
      await this.#refreshFacts();
    }
  }

  #showReply(title: string, answer: Answer): void {
    const { text, model, provider, tier, routeReasons, usage, timing } = answer;
    this.#panel.show({
      id: answer.id, startedAt: Date.now(), about: "", turns: [{ question: title, text, model, provider, tier, routeReasons, usage, totalMs: timing.totalMs, state: "done", notes: [] }],
    });
  }

  async #tellFailure(failure: Failure): Promise<void> {
    if (failure.kind === "cancelled") {
      vscode.window.setStatusBarMessage("$(debug-stop) Missy: stopped, nothing was changed", 4000);
      return;
    }
    const buttons = KEY_KINDS.includes(failure.kind) ? [STORE_KEY] : failure.kind === "internal" ? ["Show Log"] : [];
    const chosen = await vscode.window.showErrorMessage(`Missy: ${failure.message}`, ...buttons);
    if (chosen === STORE_KEY) {
      await vscode.commands.executeCommand("missy.storeApiKey");
    } else if (chosen !== undefined) {
      this.#log.show();
    }
  }

  #revive(panel: vscode.WebviewPanel, state: unknown): void {
    const id = (state as { conversation?: unknown } | undefined)?.conversation;
    this.#panel.revive(panel, this.#store.shown() ?? (typeof id === "string" ? this.#store.find(id) : undefined));
  }

  async #settingsChanged(event: vscode.ConfigurationChangeEvent): Promise<void> {
    if (event.affectsConfiguration("missy.server")) {
      await this.#guarded(() => this.#servers.followSettings());
    } else if (["missy.hover", "missy.completion", "missy.edits"].some((name) => event.affectsConfiguration(name))) {
      await this.#servers.session?.settingsChanged();
    } else if (event.affectsConfiguration("missy.answers") && vscode.workspace.getConfiguration("missy").get<number>("answers.keep") === 0) {
      await this.#store.forget();
    }
  }

  async #trusted(): Promise<void> {
    const session = this.#servers.session;
    if (session?.isRunning) {
      await this.#trust.pass(session);
    } else {
      await this.#guarded(() => this.#servers.followSettings()); // an environment in the folder may be used now
    }
  }
}
