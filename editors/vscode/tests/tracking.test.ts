import assert from "node:assert/strict";
import test from "node:test";
import { follow, offsetOf, replaceRange } from "../src/changes/tracking";
import type { Position, Range } from "../src/protocol";

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
}

function rangeAt(text: string, start: number, end: number): Range {
  return { start: positionAt(text, start), end: positionAt(text, end) };
}

/** A generator with a seed, so that a failure can be had again (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
}

test("changes elsewhere leave the text of a range as it is", () => {
  const next = random(7);
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: 3 + next(40) }, () => "ab\n"[next(3)]).join("");
    const start = next(text.length);
    const end = start + 1 + next(text.length - start);
    const isBefore = next(2) === 0;
    const [low, high] = isBefore ? [0, start] : [end, text.length];
    const from = low + next(high - low + 1);
    const to = from + next(high - from + 1);
    const inserted = ["", "x", "x\ny", "\n\n"][next(4)] ?? "";
    const after = text.slice(0, from) + inserted + text.slice(to);
    const followed = follow(rangeAt(text, start, end), { range: rangeAt(text, from, to), text: inserted });
    const found = after.slice(offsetOf(after, followed.start), offsetOf(after, followed.end));
    assert.equal(found, text.slice(start, end), JSON.stringify({ text, start, end, from, to, inserted }));
  }
});

test("a change inside stretches the range", () => {
  const range = rangeAt("one\ntwo\nthree\n", 4, 8);
  assert.deepEqual(follow(range, { range: rangeAt("one\ntwo\nthree\n", 5, 6), text: "x\ny" }), { start: { line: 1, character: 0 }, end: { line: 3, character: 0 } });
});

test("what takes the whole range away leaves an empty one", () => {
  const text = "one\ntwo\nthree\n";
  const followed = follow(rangeAt(text, 4, 8), { range: rangeAt(text, 0, 14), text: "" });
  assert.deepEqual(followed.start, followed.end);
});

const OFFSETS: readonly [string, Position, number][] = [
  ["one\ntwo", { line: 1, character: 0 }, 4],
  ["one\r\ntwo", { line: 1, character: 2 }, 7],
  ["one\rtwo", { line: 1, character: 0 }, 4],
  ["one\ntwo", { line: 0, character: 99 }, 3],
  ["one\r\ntwo", { line: 0, character: 99 }, 3],
  ["one\ntwo", { line: 9, character: 0 }, 7],
  ["a\u2028b\fc", { line: 0, character: 5 }, 5],
];
for (const [text, position, expected] of OFFSETS) {
  test(`${position.line}:${position.character} of ${JSON.stringify(text)} is ${expected}`, () => {
    assert.equal(offsetOf(text, position), expected);
  });
}

test("a range is replaced where it stands", () => {
  assert.equal(replaceRange("one\r\ntwo\r\nthree", { start: { line: 1, character: 0 }, end: { line: 2, character: 0 } }, "2\r\n"), "one\r\n2\r\nthree");
});
