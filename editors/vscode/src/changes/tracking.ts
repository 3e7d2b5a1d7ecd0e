// Follow a range through the changes of its document. Nothing of VS Code is needed here.
import type { Position, Range } from "../protocol";

export interface TextChange {
  readonly range: Range;
  readonly text: string;
}

/**
 * Return where a range stands after one change. What is typed at its edges stays outside, a change inside it stretches
 * it, and one that overlaps its edge pulls the edge to the change's own.
 */
export function follow(range: Range, change: TextChange): Range {
  const isInsertion = same(change.range.start, change.range.end);
  const isEmpty = same(range.start, range.end);
  const keepsStart = isBefore(range.start, change.range.start) || (same(range.start, change.range.start) && !isInsertion);
  const keepsEnd = isBefore(range.end, change.range.start) || (same(range.end, change.range.start) && !(isInsertion && isEmpty));
  const start = keepsStart ? range.start : moved(range.start, change, "start");
  const end = keepsEnd ? range.end : moved(range.end, change, "end");
  return isBefore(end, start) ? { start, end: start } : { start, end };
}

/** Return the text with a range of it replaced. Lines end at \n, \r\n or \r, as in LSP. */
export function replaceRange(text: string, range: Range, newText: string): string {
  return text.slice(0, offsetOf(text, range.start)) + newText + text.slice(offsetOf(text, range.end));
}

/** Return the offset of a position; past the end of its line means the end of the line. */
export function offsetOf(text: string, position: Position): number {
  const ends = /\r\n|\n|\r/g;
  let start = 0;
  for (let line = 0; line < position.line; line++) {
    const end = ends.exec(text);
    if (!end) {
      return text.length;
    }
    start = end.index + end[0].length;
  }
  ends.lastIndex = start;
  const next = ends.exec(text);
  return Math.min(start + position.character, next ? next.index : text.length);
}

/** Where a position at or after the start of a change stands after it. */
function moved(position: Position, change: TextChange, edge: "start" | "end"): Position {
  const lines = change.text.split(/\r\n|\n|\r/);
  const last = lines.at(-1)?.length ?? 0;
  const changeEnd: Position = {
    line: change.range.start.line + lines.length - 1,
    character: lines.length === 1 ? change.range.start.character + last : last,
  };
  if (isBefore(position, change.range.end)) {
    return edge === "start" ? changeEnd : change.range.start;
  }
  return {
    line: changeEnd.line + position.line - change.range.end.line,
    character: position.line === change.range.end.line ? changeEnd.character + position.character - change.range.end.character : position.character,
  };
}

function isBefore(one: Position, other: Position): boolean {
  return one.line < other.line || (one.line === other.line && one.character < other.character);
}

function same(one: Position, other: Position): boolean {
  return one.line === other.line && one.character === other.character;
}
