import { Panel } from "./vscode";
import assert from "node:assert/strict";
import test from "node:test";
import type { Conversation } from "../src/answers/conversations";
import { AnswerPanel } from "../src/answers/panel";

function conversation(id: string): Conversation {
  return { id, startedAt: 0, about: "", turns: [{ question: id, text: "", state: "running", notes: [] }] };
}

function revived(answers: AnswerPanel, kept: Conversation | undefined): Panel {
  const panel = new Panel();
  answers.revive(panel as never, kept);
  panel.load();
  return panel;
}

test("a panel that VS Code brings back shows what was kept", () => {
  const panel = revived(new AnswerPanel("extension" as never), conversation("kept"));
  assert.deepEqual(panel.sent.at(-1), { type: "show", conversation: conversation("kept") });
});

test("a panel that VS Code brings back late goes on with the answer that runs by then", () => {
  const answers = new AnswerPanel("extension" as never);
  answers.show(conversation("asked since"));
  const panel = revived(answers, conversation("kept"));
  assert.deepEqual(panel.sent.at(-1), { type: "show", conversation: conversation("asked since") });
  answers.append(conversation("asked since"), "more");
  assert.equal(panel.sent.at(-1)?.type, "text");
});
