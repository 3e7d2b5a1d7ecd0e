// A change of several files: looked at file by file, accepted whole or by file.
import * as vscode from "vscode";
import type { Answer, Edit, EditFile } from "../protocol";
import { Failure, type ServerSession } from "../server/session";
import type { PendingChange, PendingChanges } from "./pending";

const STATUS_MS = 8000;
const ACCEPT = "Accept All";
const DISCARD = "Discard";
const SHOW = "Show Changes";
const START = { line: 0, character: 0 };

export class GroupReview implements vscode.Disposable {
  #group: Edit | undefined;
  // VS Code closes a document that no editor shows after some minutes, and what was typed in it is lost then.
  readonly #opened = vscode.workspace.onDidOpenTextDocument((document) => void this.#placeAgain(document));

  constructor(
    private readonly server: () => Promise<ServerSession>,
    private readonly pending: PendingChanges,
    private readonly show: (change: PendingChange) => Promise<void>,
    private readonly onFailure: (failure: Failure) => void,
  ) {}

  /** Take the change that the answer to a question came with, and tell the user what it is. */
  async take(question: string, answer: Answer, edit: Edit): Promise<void> {
    if (edit.status !== "pending") {
      if (edit.message !== undefined) {
        void vscode.window.showWarningMessage(`Missy: ${edit.message}`);
      }
      return;
    }
    if (this.#group) {
      this.#forget(this.#group); // it is made anew, or it is no longer the latest
    }
    this.#group = edit;
    const files = edit.files ?? [];
    for (const file of files) {
      await this.#take(file, question, answer);
    }
    const names = files.map((file) => file.path).join(", ");
    const warnings = files.flatMap((file) => file.warnings ?? []).join(" ").slice(0, 300);
    const message = `Missy: a change of ${files.length} ${files.length === 1 ? "file" : "files"} waits for review (${names}). ${warnings}`;
    await this.#ask(edit, message.trim());
  }

  /** Ask what to do with the group that waits, if there is one. */
  async decide(): Promise<boolean> {
    const group = this.#group;
    if (group?.id === undefined) {
      return false;
    }
    const now = await this.#execute<Edit>("missy.showDiff", { id: group.id, show: false });
    if (!now || this.#waiting(now).length === 0) {
      this.#group = undefined;
      return false;
    }
    await this.#ask(now, `Missy: a change of ${this.#waiting(now).length} files waits for review.`);
    return true;
  }

  /** Accept or discard the whole of the group that waits, if this is its id; false where it is another change's. */
  async settle(id: string | undefined, decision: "accept" | "discard"): Promise<boolean> {
    const group = this.#group;
    if (group?.id === undefined || group.id !== id) {
      return false;
    }
    await (decision === "accept" ? this.#accept(group) : this.#discard(group));
    return true;
  }

  dispose(): void {
    this.#opened.dispose();
  }

  /** Forget the group: the server that made it has ended. */
  clear(): void {
    this.#group = undefined;
  }

  async #ask(edit: Edit, message: string): Promise<void> {
    const chosen = await vscode.window.showInformationMessage(message, ACCEPT, SHOW, DISCARD);
    if (chosen === ACCEPT) {
      await this.#accept(edit);
    } else if (chosen === DISCARD) {
      await this.#discard(edit);
    } else if (chosen === SHOW) {
      await this.#showOne(edit);
    }
  }

  async #accept(edit: Edit): Promise<void> {
    const accepted = await this.#execute<Edit>("missy.accept", { id: edit.id });
    // What else may have become of it, the server says itself.
    if (accepted?.status === "applied") {
      this.#forget(edit);
      vscode.window.setStatusBarMessage(`$(check) Missy: ${accepted.files?.length ?? 0} files changed`, STATUS_MS);
    }
  }

  async #discard(edit: Edit): Promise<void> {
    if (await this.#execute("missy.discard", { id: edit.id })) {
      this.#forget(edit);
    }
  }

  async #showOne(edit: Edit): Promise<void> {
    const items = this.#waiting(edit).map((file) => ({ label: file.path, description: `+${file.added} -${file.removed}`, file }));
    const item = items.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { title: "Missy: show the change of a file" });
    const change = item && this.pending.get(item.file.id);
    if (change) {
      await this.show(change);
    }
  }

  /** Keep one file's change beside every other one, so that its lenses, its diff and the commands are the same. */
  async #take(file: EditFile, question: string, answer: Answer): Promise<void> {
    const uri = vscode.Uri.parse(file.uri);
    // The server follows the place of the change in a document that is open.
    const document = file.isNew ? undefined : await vscode.workspace.openTextDocument(uri);
    const edit = await this.#execute<Edit>("missy.showDiff", { id: file.id, show: false });
    if (edit) {
      const whole = { start: START, end: { line: document?.lineCount ?? 0, character: 0 } };
      const range = edit.range ?? whole;
      const newFile = file.isNew ? uri : undefined;
      this.pending.add({ id: file.id, title: file.path, uri, tier: answer.tier, question, answer, edit, isMarked: false, range, newFile, outlivesDocument: true });
    }
  }

  /** Take the places of what waits in a document that is opened again from the server, which looks for them anew. */
  async #placeAgain(document: vscode.TextDocument): Promise<void> {
    const files = (this.#group?.files ?? []).filter((file) => !file.isNew);
    for (const change of this.pending.on(document.uri).filter((one) => files.some((file) => file.id === one.id))) {
      const asked = this.server().then((server) => server.execute<Edit>("missy.showDiff", { id: change.id, show: false }));
      const edit = await asked.catch(() => undefined); // decided on meanwhile
      if (edit && this.pending.get(change.id)) {
        this.pending.add({ ...change, edit, range: edit.range ?? change.range });
      }
    }
  }

  #waiting(edit: Edit): readonly EditFile[] {
    return (edit.files ?? []).filter((file) => file.status === "pending");
  }

  #forget(edit: Edit): void {
    for (const file of edit.files ?? []) {
      this.pending.remove(file.id);
    }
    this.#group = undefined;
  }

  async #execute<Result>(command: string, argument: object): Promise<Result | undefined> {
    try {
      return await (await this.server()).execute<Result>(command, argument);
    } catch (error) {
      this.onFailure(error instanceof Failure ? error : new Failure(String(error), "internal", {}));
      return undefined;
    }
  }
}
