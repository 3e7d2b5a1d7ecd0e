import { settings } from "./vscode";
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import type { Conversation } from "../src/answers/conversations";
import { AnswerStore, WORDS } from "../src/answers/store";

const values = new Map<string, unknown>();
const memento = {
  keys: () => [...values.keys()],
  get: (key: string, other?: unknown) => values.get(key) ?? other,
  update: async (key: string, value: unknown) => void (value === undefined ? values.delete(key) : values.set(key, value)),
};
const store = new AnswerStore(memento as never);
const ANSWERED: Conversation = { id: "a", startedAt: 0, about: "", turns: [{ question: "q", text: "a", state: "done", notes: [] }] };

beforeEach(() => {
  values.clear();
  delete settings["answers.keep"];
});

test("questions and instructions are offered again, the last one first and each once", async () => {
  for (const question of ["one", "two", "one", "x".repeat(501)]) {
    await store.keepWords(WORDS.questions, question);
  }
  await store.keepWords(WORDS.instructions, "shorter");
  assert.deepEqual([store.words(WORDS.questions), store.words(WORDS.instructions)], [["one", "two"], ["shorter"]]);
});

test("to forget the answers is to forget what was asked too", async () => {
  await store.keep(ANSWERED);
  await store.keepWords(WORDS.questions, "one");
  await store.keepWords(WORDS.instructions, "shorter");
  await store.forget();
  assert.deepEqual([...values], []);
});

test("where no answers are kept, no question is", async () => {
  settings["answers.keep"] = 0;
  await store.keepWords(WORDS.questions, "one");
  await store.keepWords(WORDS.instructions, "shorter");
  assert.deepEqual([store.words(WORDS.questions), store.words(WORDS.instructions)], [[], []]);
});
