// The changes that wait for the user's decision, as far as this editor knows them; the server has the last word.
import * as vscode from "vscode";
import type { Answer, Edit, Range, Tier } from "../protocol";
import { follow, replaceRange } from "./tracking";

export interface PendingChange {
  readonly id: string;
  readonly title: string;
  readonly uri: vscode.Uri;
  readonly tier: Tier;
  /** What was asked for, and the whole of what came back. */
  readonly question: string;
  readonly answer: Answer;
  readonly edit: Edit;
  readonly newFile: vscode.Uri | undefined;
  /** Whether it waits also while its document is closed, as the server keeps the files of a change of several. */
  readonly outlivesDocument?: boolean;
  range: Range;
  /** Whether the server has marked it; from then on a missing mark means that it is gone. */
  isMarked: boolean;
}

export class PendingChanges implements vscode.Disposable {
  readonly #changes = new Map<string, PendingChange>();
  readonly #marked = new Map<string, ReadonlySet<string>>();
  readonly #changed = new vscode.EventEmitter<PendingChange | undefined>();
  readonly #subscriptions: vscode.Disposable[];

  /** Fires with the change that came, moved or went. */
  readonly onDidChange = this.#changed.event;

  constructor() {
    this.#subscriptions = [
      this.#changed,
      vscode.workspace.onDidChangeTextDocument((event) => this.#follow(event)),
      vscode.workspace.onDidCloseTextDocument((document) => this.#closed(document)),
    ];
  }

  get all(): readonly PendingChange[] {
    return [...this.#changes.values()];
  }

  get(id: string): PendingChange | undefined {
    return this.#changes.get(id);
  }

  on(uri: vscode.Uri): PendingChange[] {
    return this.all.filter((change) => change.uri.toString() === uri.toString());
  }

  /** Return the change under the cursor, else the latest of its document, else the latest. */
  at(editor: vscode.TextEditor | undefined): PendingChange | undefined {
    if (editor) {
      const here = this.on(editor.document.uri);
      const line = editor.selection.active.line;
      const touched = here.find((change) => change.range.start.line <= line && line <= change.range.end.line);
      if (touched ?? here.at(-1)) {
        return touched ?? here.at(-1);
      }
    }
    return this.all.at(-1);
  }

  add(change: PendingChange): void {
    change.isMarked = this.#marked.get(change.uri.toString())?.has(change.id) ?? false;
    this.#changes.set(change.id, change);
    this.#changed.fire(change);
  }

  remove(id: string): void {
    const change = this.#changes.get(id);
    if (change && this.#changes.delete(id)) {
      this.#changed.fire(change);
    }
  }

  /** Take the ids that the server marks in a document: what it marked before and does not now, is gone. */
  marked(uri: vscode.Uri, ids: ReadonlySet<string>): void {
    this.#marked.set(uri.toString(), ids);
    for (const change of this.on(uri)) {
      if (ids.has(change.id)) {
        change.isMarked = true;
      } else if (change.isMarked) {
        this.remove(change.id);
      }
    }
  }

  clear(): void {
    this.#changes.clear();
    this.#marked.clear();
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#subscriptions.forEach((subscription) => subscription.dispose());
  }

  #follow(event: vscode.TextDocumentChangeEvent): void {
    for (const change of this.on(event.document.uri)) {
      // From the end of the document to its start: each change is told in terms of the text before all of them.
      const ordered = [...event.contentChanges].sort((one, other) => other.rangeOffset - one.rangeOffset);
      for (const one of ordered) {
        change.range = follow(change.range, one);
      }
      this.#changed.fire(change);
    }
  }

  #closed(document: vscode.TextDocument): void {
    for (const change of this.on(document.uri)) {
      if (change.outlivesDocument) {
        change.isMarked = false; // the marks of a closed document go, which says nothing of the change
      } else {
        this.remove(change.id); // the server lets go of it too
      }
    }
    this.#marked.delete(document.uri.toString());
  }
}

export const PROPOSAL_SCHEME = "missy-proposal";

/** Return the address of the document as it would be: `/ID/name.py`, so that its language is known. */
export function proposalUri(change: PendingChange, side: "before" | "after"): vscode.Uri {
  const name = (change.newFile ?? change.uri).path.split("/").at(-1) || "proposal";
  return vscode.Uri.from({ scheme: PROPOSAL_SCHEME, path: `/${change.id}/${side}/${name}` });
}

/** Return the id of the change whose document this is. */
export function proposalId(uri: vscode.Uri): string | undefined {
  return uri.scheme === PROPOSAL_SCHEME ? uri.path.split("/")[1] : undefined;
}

/** Serves the documents of a diff: read-only, made anew whenever the code around the change is edited. */
export class ProposalDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #last = new Map<string, string>();
  readonly #subscription: vscode.Disposable;

  readonly onDidChange = this.#changed.event;

  constructor(private readonly pending: PendingChanges) {
    this.#subscription = pending.onDidChange((change) => {
      if (change && pending.get(change.id)) {
        this.#changed.fire(proposalUri(change, "after"));
      }
    });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const change = this.pending.get(proposalId(uri) ?? "");
    if (!change) {
      return this.#last.get(uri.path) ?? ""; // decided on; the tab is about to close
    }
    const text = uri.path.split("/")[2] === "before" ? "" : await proposedText(change);
    this.#last.clear();
    this.#last.set(uri.path, text);
    return text;
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changed.dispose();
  }
}

async function proposedText(change: PendingChange): Promise<string> {
  const newText = change.edit.newText ?? "";
  if (change.newFile) {
    return newText;
  }
  const document = await vscode.workspace.openTextDocument(change.uri);
  return replaceRange(document.getText(), change.range, newText);
}
