// What a command is about: the active editor's document and selection, in the protocol's words.
import * as vscode from "vscode";
import type { Range, Target } from "./protocol";
import { ServerSession } from "./server/session";

export interface Place {
  readonly target: Target;
  /** For the eye: "fence.py, lines 3 to 9". */
  readonly about: string;
  readonly uri?: string;
  readonly range?: Range;
}

export const NOWHERE: Place = { target: {}, about: "" };

/** Return the place that the editor shows; `wholeDocument` leaves the selection out. */
export function placeOf(editor: vscode.TextEditor | undefined, server: ServerSession): Place {
  if (!editor || !ServerSession.sees(editor.document)) {
    return NOWHERE;
  }
  const { document, selection } = editor;
  const uri = server.uriOf(document.uri);
  const range = rangeOf(selection);
  const target = { textDocument: { uri, version: document.version }, range };
  return { target, about: `${nameOf(document.uri)}${selection.isEmpty ? `, line ${selection.start.line + 1}` : lines(selection)}`, uri, range };
}

export function rangeOf(range: vscode.Range): Range {
  return {
    start: { line: range.start.line, character: range.start.character },
    end: { line: range.end.line, character: range.end.character },
  };
}

export function vscodeRange(range: Range): vscode.Range {
  return new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
}

export function nameOf(uri: vscode.Uri): string {
  return vscode.workspace.asRelativePath(uri, (vscode.workspace.workspaceFolders?.length ?? 0) > 1);
}

function lines(range: vscode.Range): string {
  // A selection that ends before the first character of a line does not look as if it held that line.
  const last = range.end.character === 0 && range.end.line > range.start.line ? range.end.line - 1 : range.end.line;
  return last === range.start.line ? `, line ${last + 1}` : `, lines ${range.start.line + 1} to ${last + 1}`;
}
