import assert from "node:assert/strict";
import test from "node:test";
import { type Conversation, historyBefore, keepBounded, readStored, type Turn, turnOfChange } from "../src/answers/conversations";

function turn(question: string, text: string, more: Partial<Turn> = {}): Turn {
  return { question, text, state: "done", notes: [], ...more };
}

function conversation(id: string, ...turns: Turn[]): Conversation {
  return { id, startedAt: 0, about: "", turns };
}

test("the history holds whole pairs before the last question, without failures", () => {
  const talk = conversation("a", turn("one", "first"), turn("two", "part", { state: "failed" }), turn("three", "half", { state: "stopped" }), turn("four", "", { state: "running" }));
  assert.deepEqual(historyBefore(talk), [
    { role: "user", content: "one" },
    { role: "assistant", content: "first" },
    { role: "user", content: "three" },
    { role: "assistant", content: "half" },
  ]);
});

test("a change is told in words and code, in a fence that its code can't close", () => {
  const edit = { status: "pending", uri: "file:///a.md", newText: "````\ncode\n````", remarks: "Fenced." } as const;
  const usage = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheCreationTokens: 0, costUsd: 0.1 };
  const answer = { id: "1", text: "", model: "m", provider: "p", tier: "fast", routeReasons: [], stopReason: "end_turn", complete: true, usage, timing: { firstTokenMs: 1, totalMs: 2 }, edit } as const;
  const talk = conversation("a", turnOfChange("Fix", answer), turn("why?", "", { state: "running" }));
  assert.deepEqual(historyBefore(talk), [
    { role: "user", content: "Fix" },
    { role: "assistant", content: "Fenced.\n\n`````\n````\ncode\n````\n`````\n" },
  ]);
});

test("the newest conversation comes first and is kept once", () => {
  const kept = keepBounded([conversation("a", turn("q", "old")), conversation("b", turn("q", "b"))], conversation("b", turn("q", "new")), 20);
  assert.deepEqual(kept.map((one) => [one.id, one.turns[0]?.text]), [["b", "new"], ["a", "old"]]);
});

test("no more are kept than wished, and none where none are", () => {
  const many = Array.from({ length: 30 }, (_, number) => conversation(String(number), turn("q", "a")));
  assert.equal(keepBounded(many, conversation("new", turn("q", "a")), 5).length, 5);
  assert.equal(keepBounded(many, conversation("new", turn("q", "a")), 0).length, 0);
});

test("large ones make the older ones go", () => {
  const large = "x".repeat(150_000);
  const kept = keepBounded(["a", "b", "c"].map((id) => conversation(id, turn("q", large))), conversation("d", turn("q", large)), 20);
  assert.deepEqual(kept.map((one) => one.id), ["d", "a"]);
});

test("one that is very large leaves the others in their place, and keeps its last turns", () => {
  const turns = [turn("run", "x".repeat(390_000)), turn("one", "y".repeat(90_000)), turn("two", "z".repeat(90_000))];
  const kept = keepBounded([conversation("a", turn("q", "old"))], { ...conversation("b", ...turns), action: "explain", instruction: "shortly" }, 20);
  assert.deepEqual(kept.map((one) => [one.id, ...one.turns.map((each) => each.question)]), [["b", "one", "two"], ["a", "q"]]);
  assert.deepEqual([kept[0]?.action, kept[0]?.instruction], [undefined, undefined], "to ask again is to ask, not to run what the first turn ran");
});

test("an answer that is too large by itself is kept in part, and says so", () => {
  const [kept, other] = keepBounded([conversation("a", turn("q", "old"))], conversation("b", turn("q", "x".repeat(500_000))), 20);
  assert.equal(other?.id, "a");
  assert.match(kept?.turns[0]?.text ?? "", /^x{100000,}$/);
  assert.equal(kept?.turns[0]?.incomplete, "too long to be kept whole");
});

test("what ran when it was kept does not run any more", () => {
  assert.equal(keepBounded([], conversation("a", turn("q", "half", { state: "running" })), 5)[0]?.turns[0]?.state, "stopped");
});

for (const stored of [undefined, null, "text", 7, {}, [null], [{ id: 1 }], [{ id: "a", about: "", turns: [{}] }], [{ id: "a", about: "", turns: "no" }]]) {
  test(`${JSON.stringify(stored)} in the store is no conversation`, () => {
    assert.deepEqual(readStored(stored), []);
  });
}
