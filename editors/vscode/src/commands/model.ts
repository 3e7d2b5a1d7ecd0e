// The commands that call a model: ask, explain, edit, run an action.
import * as vscode from "vscode";
import type { Asking, Wishes } from "../answers/asking";
import { turnOfChange } from "../answers/conversations";
import { type AnswerStore, WORDS } from "../answers/store";
import type { PendingChange } from "../changes/pending";
import type { Review } from "../changes/review";
import type { Action } from "../protocol";
import type { ServerSession } from "../server/session";
import { nameOf, NOWHERE, type Place, placeOf, rangeOf, vscodeRange } from "../target";
import { askWords } from "./words";

/** What a code action of the server's carries for missy.runAction. */
interface ActionArgument {
  readonly action: string;
  readonly textDocument?: { readonly uri: string };
  readonly range?: ReturnType<typeof rangeOf>;
  readonly instruction?: string;
}

export class ModelCommands {
  constructor(
    private readonly server: () => Promise<ServerSession>,
    private readonly asking: Asking,
    private readonly review: Review,
    private readonly store: AnswerStore,
    private readonly editor: () => vscode.TextEditor | undefined,
  ) {}

  /** Missy: Ask… The document goes along where one is open, its selection too. */
  async ask(): Promise<void> {
    await this.#ask(placeOf(this.editor(), await this.server()), "Ask Missy");
  }

  async askAboutSelection(): Promise<void> {
    const place = await this.#placeOrTell();
    if (place) {
      await this.#ask(place, "Ask Missy about the selection");
    }
  }

  async explain(): Promise<void> {
    const place = await this.#placeOrTell();
    if (place) {
      await this.asking.ask("Explain", place, { action: "explain" });
    }
  }

  async editSelection(): Promise<void> {
    const place = await this.#placeOrTell();
    if (!place) {
      return;
    }
    const instruction = await askWords(this.store, WORDS.instructions, `Edit ${place.about}`, "What should change?");
    if (instruction !== undefined) {
      await this.review.propose("Edit", "missy.runAction", { action: "edit", ...place.target, instruction }, `Edit: ${instruction}`);
    }
  }

  /** Missy: Ask About Change… with what was asked for and what was proposed as the history. */
  async askAboutChange(change: PendingChange): Promise<void> {
    const place: Place = {
      target: { textDocument: { uri: change.edit.uri }, range: change.range },
      about: `${nameOf(change.uri)}, ${change.title}`,
      uri: change.edit.uri,
      range: change.range,
    };
    await this.#ask(place, "Ask Missy about the change", { before: turnOfChange(change.question, change.answer) });
  }

  /** Missy: Run Action… with what applies at the cursor. */
  async chooseAction(): Promise<void> {
    const editor = this.editor();
    const place = await this.#placeOrTell();
    if (!place || !editor) {
      return;
    }
    const actions = await this.#actions(place);
    const items = actions.map((action) => ({
      label: action.title,
      description: action.source === "built-in" ? "" : action.source === "user" ? "yours" : "this folder's",
      detail: DETAILS[action.result] ?? "",
      action,
    }));
    const chosen = await vscode.window.showQuickPick(items, { title: `Missy: ${place.about}`, placeHolder: "Choose an action", matchOnDescription: true });
    if (!chosen) {
      return;
    }
    if (chosen.action.when === "instruction") {
      const instruction = await askWords(this.store, WORDS.instructions, `${chosen.action.title} ${place.about}`, "What should change?");
      if (instruction !== undefined) {
        await this.#run(chosen.action, { action: chosen.action.id, ...place.target, instruction }, place);
      }
      return;
    }
    const diagnostics = chosen.action.when === "diagnostics" ? diagnosticsAt(editor) : undefined;
    await this.#run(chosen.action, { action: chosen.action.id, ...place.target, ...(diagnostics ? { diagnostics } : {}) }, place);
  }

  /** Run an action that a code action names, with what it carries. */
  async runOffered(argument: ActionArgument): Promise<void> {
    const uri = argument.textDocument?.uri;
    const place: Place = {
      target: {},
      about: uri === undefined ? "" : `${nameOf(vscode.Uri.parse(uri))}${argument.range ? `, line ${argument.range.start.line + 1}` : ""}`,
      ...(uri === undefined ? {} : { uri }),
      ...(argument.range ? { range: argument.range } : {}),
    };
    const action = (await this.#actions({ ...place, target: uri === undefined ? {} : { textDocument: { uri } } })).find((one) => one.id === argument.action);
    await this.#run(action, argument, place);
  }

  async #run(action: Action | undefined, argument: ActionArgument, place: Place): Promise<void> {
    const title = action?.title ?? argument.action;
    if (action?.result === "answer") {
      const { action: id, instruction, ...target } = argument;
      await this.asking.ask(instruction ?? title, { ...place, target }, { action: id, ...(instruction === undefined ? {} : { instruction }) });
    } else {
      await this.review.propose(title, "missy.runAction", argument, argument.instruction === undefined ? title : `${title}: ${argument.instruction}`);
    }
  }

  async #actions(place: Place): Promise<Action[]> {
    const { textDocument, range } = place.target;
    return (await this.server()).execute<Action[]>("missy.listActions", { ...(textDocument ? { textDocument: { uri: textDocument.uri } } : {}), ...(range ? { range } : {}) });
  }

  async #ask(place: Place, title: string, wishes: Wishes = {}): Promise<void> {
    const where = place.about === "" ? "" : ` (${place.about})`;
    const question = await askWords(this.store, WORDS.questions, `${title}${where}`, "What do you want to know?");
    if (question !== undefined) {
      await this.asking.ask(question, place, wishes);
    }
  }

  async #placeOrTell(): Promise<Place | undefined> {
    const place = placeOf(this.editor(), await this.server());
    if (place === NOWHERE) {
      void vscode.window.showInformationMessage("Missy: open the file that this is about and put the cursor into it.");
      return undefined;
    }
    return place;
  }
}

const DETAILS: Readonly<Record<string, string>> = {
  answer: "answers in the panel",
  replace: "proposes a change",
  "insert above": "proposes lines above",
  "new file": "proposes a new file",
};

/** Return the problems that others report on the selected lines, as LSP diagnostics. */
function diagnosticsAt(editor: vscode.TextEditor): object[] {
  const last = editor.document.lineAt(editor.selection.end.line).range.end;
  const lines = new vscode.Range(editor.selection.start.line, 0, last.line, last.character);
  return vscode.languages
    .getDiagnostics(editor.document.uri)
    .filter((one) => one.source !== "missy" && vscodeRange(rangeOf(one.range)).intersection(lines) !== undefined)
    .map((one) => ({
      range: rangeOf(one.range),
      message: one.message,
      severity: one.severity + 1,
      ...(one.source === undefined ? {} : { source: one.source }),
      ...(one.code === undefined ? {} : { code: typeof one.code === "object" ? one.code.value : one.code }),
    }));
}
