import assert from "node:assert/strict";
import test from "node:test";
import type { Conversation } from "../src/answers/conversations";
import { FollowedPlaces } from "../src/answers/places";
import type { Range } from "../src/protocol";

const FILE = "file:///a.py";

function lines(start: number, end: number): Range {
  return { start: { line: start, character: 0 }, end: { line: end, character: 0 } };
}

function about(id: string, range?: Range): Conversation {
  return { id, startedAt: 0, about: "", place: { uri: FILE, ...(range ? { range } : {}) }, turns: [] };
}

test("the code of a question is found again below what is typed above it", () => {
  const places = new FollowedPlaces();
  places.note(about("a", lines(3, 5)), FILE);
  places.changed("file:///b.py", [{ range: lines(0, 0), text: "elsewhere\n" }]);
  places.changed(FILE, [{ range: lines(9, 9), text: "below\n" }, { range: lines(0, 0), text: "above\nabove\n" }]);
  assert.deepEqual(places.rangeOf(about("a", lines(3, 5))), lines(5, 7));
  places.note(about("a", lines(5, 7)), FILE);
  places.changed(FILE, [{ range: lines(0, 2), text: "" }]);
  assert.deepEqual(places.rangeOf(about("a", lines(5, 7))), lines(3, 5));
});

test("what was not followed stands where it stood", () => {
  const places = new FollowedPlaces();
  assert.deepEqual(places.rangeOf(about("kept", lines(3, 5))), lines(3, 5));
  places.note(about("whole"), FILE);
  assert.equal(places.rangeOf(about("whole")), undefined);
});

test("a day of questions is followed within bounds", () => {
  const places = new FollowedPlaces();
  for (let number = 0; number < 1000; number++) {
    places.note(about(String(number), lines(1, 2)), FILE);
  }
  places.changed(FILE, [{ range: lines(0, 0), text: "above\n" }]);
  assert.deepEqual([places.rangeOf(about("0", lines(1, 2))), places.rangeOf(about("999", lines(1, 2)))], [lines(1, 2), lines(2, 3)]);
});
