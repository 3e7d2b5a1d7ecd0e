// What the user does with a proposed change: look at it, accept it, discard it, have it made again.
import * as vscode from "vscode";
import type { Answer, Edit, Tier } from "../protocol";
import { tierAbove } from "../protocol";
import type { Running } from "../running";
import { Failure, type ServerSession } from "../server/session";
import { vscodeRange } from "../target";
import { type PendingChange, type PendingChanges, PROPOSAL_SCHEME, proposalId, proposalUri } from "./pending";

const STATUS_MS = 8000;
const ACCEPT = "Accept";
const DISCARD = "Discard";
const SHOW = "Show Changes";
const SHOW_REPLY = "Show the Reply";

export class Review {
  #latest: PendingChange | undefined;

  constructor(
    private readonly server: () => Promise<ServerSession>,
    private readonly pending: PendingChanges,
    private readonly running: Running,
    private readonly showReply: (title: string, answer: Answer) => void,
    private readonly onFailure: (failure: Failure) => void,
    private readonly onGroup: (question: string, answer: Answer, edit: Edit) => void,
  ) {}

  /** The change that was proposed last, also where it is decided on. */
  get latest(): PendingChange | undefined {
    return this.#latest;
  }

  /** Run an action whose result is a change; `argument` is that of missy.runAction or missy.retry. */
  async propose(title: string, command: "missy.runAction" | "missy.retry", argument: object, question = title): Promise<Answer | undefined> {
    const options = { location: vscode.ProgressLocation.Notification, title: `Missy: ${title}`, cancellable: true };
    let answer: Answer;
    try {
      const server = await this.server();
      answer = await vscode.window.withProgress(options, (progress, stop) =>
        this.running.execute<Answer>(server, title, command, argument, {
          stop,
          onProgress: (message) => progress.report({ message }),
          onPartial: (value) => {
            if (value.kind === "start") {
              progress.report({ message: `${value.model} (${value.tier})` });
            }
          },
        }),
      );
    } catch (error) {
      this.onFailure(error instanceof Failure ? error : new Failure(String(error), "internal", {}));
      return undefined;
    }
    this.#take(title, question, answer);
    return answer;
  }

  /** Open the change as a diff: the document on the left, what it would be on the right. */
  async show(change: PendingChange): Promise<void> {
    const name = (change.newFile ?? change.uri).path.split("/").at(-1) ?? "";
    const before = change.newFile ? proposalUri(change, "before") : change.uri;
    const title = change.newFile ? `${name} (new file by Missy)` : `${name} (Missy: ${change.title})`;
    const selection = vscodeRange({ start: change.range.start, end: change.range.start });
    await vscode.commands.executeCommand("vscode.diff", before, proposalUri(change, "after"), title, { preview: true, selection: change.newFile ? undefined : selection });
  }

  /** Accept a change, or some of its hunks. */
  async accept(id: string, title: string, hunks?: readonly number[]): Promise<void> {
    const edit = await this.#decide<Edit>("missy.accept", { id, ...(hunks ? { hunks } : {}) });
    if (!edit) {
      return;
    }
    if (edit.status === "applied") {
      const isPart = hunks !== undefined && this.pending.get(id)?.isMarked;
      if (!isPart) {
        this.pending.remove(id);
      }
      vscode.window.setStatusBarMessage(`$(check) Missy: ${title}: ${edit.newFile ? "the file is written" : "accepted; Undo takes it back"}`, STATUS_MS);
      if (edit.newFile) {
        await vscode.window.showTextDocument(vscode.Uri.parse(edit.newFile), { preview: false });
      }
    }
    // What else may have become of it, the server says itself.
  }

  async discard(id: string, title: string): Promise<void> {
    if (await this.#decide("missy.discard", { id })) {
      this.pending.remove(id);
      vscode.window.setStatusBarMessage(`$(discard) Missy: ${title}: discarded`, STATUS_MS);
    }
  }

  async retry(id: string, tier?: Tier): Promise<void> {
    const change = this.pending.get(id);
    await this.#closeDiffs((shown) => shown === id);
    await this.propose(change?.title ?? "Retry", "missy.retry", { id, ...(tier ? { tier } : {}) }, change?.question);
  }

  #take(title: string, question: string, answer: Answer): void {
    const edit = answer.edit;
    if (answer.stopReason === "cancelled") {
      vscode.window.setStatusBarMessage(`$(debug-stop) Missy: ${title}: stopped, nothing was changed`, STATUS_MS);
    } else if (!edit) {
      this.showReply(title, answer);
    } else if (edit.files) {
      this.onGroup(question, answer, edit);
    } else if (edit.status === "applied") {
      vscode.window.setStatusBarMessage(`$(check) Missy: ${title}: applied; Undo takes it back`, STATUS_MS);
    } else if (edit.status === "pending" && edit.id !== undefined && edit.range) {
      this.#latest = {
        id: edit.id, title, uri: vscode.Uri.parse(edit.uri), tier: answer.tier, question, answer, edit, range: edit.range, isMarked: false,
        newFile: edit.newFile === undefined ? undefined : vscode.Uri.parse(edit.newFile),
      };
      this.pending.add(this.#latest);
      void this.#tell(edit.id);
    } else {
      void this.#tellRefused(title, answer, edit);
    }
  }

  async #tell(id: string): Promise<void> {
    const change = this.pending.get(id);
    if (!change) {
      return;
    }
    const what = change.newFile ? `proposes the file ${vscode.workspace.asRelativePath(change.newFile)}` : `is ready at line ${change.range.start.line + 1}`;
    const remarks = [change.edit.remarks, ...(change.edit.warnings ?? [])].filter((text) => text !== undefined && text !== "").join(" ");
    const message = `Missy: ${change.title} ${what}.${remarks === "" ? "" : ` ${remarks.slice(0, 300)}`}`;
    const chosen = await vscode.window.showInformationMessage(message, ACCEPT, SHOW, DISCARD);
    if (!this.pending.get(id)) {
      return; // decided on in another way while this stood there
    }
    if (chosen === ACCEPT) {
      await this.accept(id, change.title);
    } else if (chosen === DISCARD) {
      await this.discard(id, change.title);
    } else if (chosen === SHOW) {
      await this.show(change);
    }
  }

  async #tellRefused(title: string, answer: Answer, edit: Edit): Promise<void> {
    const sentence = edit.message ?? (edit.status === "conflict" ? "the code has changed meanwhile, nothing was applied." : "nothing was applied.");
    const buttons = answer.text.trim() === "" ? [] : [SHOW_REPLY];
    if ((await vscode.window.showWarningMessage(`Missy: ${title}: ${sentence}`, ...buttons)) === SHOW_REPLY) {
      this.showReply(title, answer);
    }
  }

  async #decide<Result>(command: string, argument: object): Promise<Result | undefined> {
    try {
      return await (await this.server()).execute<Result>(command, argument);
    } catch (error) {
      this.onFailure(error instanceof Failure ? error : new Failure(String(error), "internal", {}));
      return undefined;
    }
  }

  /** Close the diffs of changes that are decided on or lost: nothing that they offer could be done any more. */
  async closeGone(): Promise<void> {
    await this.#closeDiffs((id) => this.pending.get(id) === undefined);
  }

  async #closeDiffs(isMeant: (id: string) => boolean): Promise<void> {
    for (const tab of vscode.window.tabGroups.all.flatMap((group) => group.tabs)) {
      const id = proposalInTab(tab);
      if (id !== undefined && isMeant(id)) {
        // One that is closed already, by the user say, is what is wanted.
        await Promise.resolve(vscode.window.tabGroups.close(tab, true)).catch(() => undefined);
      }
    }
  }
}

/** Return the id of the change whose diff a tab shows. */
export function proposalInTab(tab: vscode.Tab | undefined): string | undefined {
  return tab?.input instanceof vscode.TabInputTextDiff ? proposalId(tab.input.modified) : undefined;
}

/** "Accept | Show changes | Discard | Retry | …" above each change that waits. */
export class ChangeLenses implements vscode.CodeLensProvider {
  readonly onDidChangeCodeLenses: vscode.Event<void>;

  constructor(private readonly pending: PendingChanges) {
    this.onDidChangeCodeLenses = (listener, self, subscriptions) => pending.onDidChange(() => listener.call(self), undefined, subscriptions);
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (document.uri.scheme === PROPOSAL_SCHEME) {
      return [];
    }
    return this.pending.on(document.uri).flatMap((change) => {
      const range = vscodeRange({ start: change.range.start, end: change.range.start });
      const lens = (title: string, command: string, ...more: unknown[]): vscode.CodeLens =>
        new vscode.CodeLens(range, { title, command, arguments: [{ id: change.id }, ...more] });
      const above = tierAbove(change.tier);
      return [
        lens(`$(check) Accept: ${change.title}`, "missy.acceptChange"),
        lens("$(diff) Show changes", "missy.showPendingChange"),
        lens("$(discard) Discard", "missy.discardChange"),
        lens("$(refresh) Retry", "missy.retryChange"),
        lens("$(comment-discussion) Ask", "missy.askAboutChange"),
        ...(above ? [lens(`Retry on ${above}`, "missy.retryChange", above)] : []),
      ];
    });
  }
}
