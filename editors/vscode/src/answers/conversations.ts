// Conversations as plain values, and how many of them are kept. Nothing of VS Code is needed here.
import type { Answer, HistoryTurn, Range, Tier, Usage } from "../protocol";

export interface Turn {
  readonly question: string;
  readonly text: string;
  readonly state: "running" | "done" | "stopped" | "failed";
  readonly model?: string;
  readonly provider?: string;
  readonly tier?: Tier;
  readonly routeReasons?: readonly string[];
  readonly usage?: Usage;
  readonly totalMs?: number;
  /** Why it is not the whole answer, e.g. `max_tokens`. */
  readonly incomplete?: string;
  readonly failure?: { readonly kind: string; readonly sentence: string };
  readonly notes: readonly string[];
}

export interface Conversation {
  readonly id: string;
  readonly startedAt: number;
  /** What the questions are about, for the eye: "fence.py, lines 3 to 9". */
  readonly about: string;
  readonly place?: { readonly uri: string; readonly range?: Range };
  /** The action that the first turn ran instead of asking. */
  readonly action?: string;
  readonly instruction?: string;
  readonly turns: readonly Turn[];
}

const MAX_CHARACTERS = 400_000;
const MAX_OF_ONE = MAX_CHARACTERS / 2; // so that one long conversation takes no other one's place

/** Return the conversation with its last turn replaced. */
export function withLastTurn(conversation: Conversation, change: (turn: Turn) => Turn): Conversation {
  const last = conversation.turns.at(-1);
  return last ? { ...conversation, turns: [...conversation.turns.slice(0, -1), change(last)] } : conversation;
}

/** Return a turn that ended in a change of code, in words, so that a question about it may follow. */
export function turnOfChange(question: string, answer: Answer): Turn {
  const { model, provider, tier, routeReasons, usage, timing, edit } = answer;
  const code = edit?.newText ?? edit?.diff ?? answer.text;
  const ticks = Math.max(2, ...[...code.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(ticks + 1);
  const block = `${fence}\n${code.replace(/\n?$/, "\n")}${fence}\n`;
  const text = [edit?.remarks ?? "", edit?.newFile ?? "", block].filter((part) => part !== "").join("\n\n");
  return { question, text, model, provider, tier, routeReasons, usage, totalMs: timing.totalMs, state: "done", notes: [] };
}

/** Return what was said before the last turn, for the model: whole pairs of question and answer. */
export function historyBefore(conversation: Conversation): HistoryTurn[] {
  return conversation.turns
    .slice(0, -1)
    .filter((turn) => turn.text.trim() !== "" && turn.state !== "failed")
    .flatMap((turn) => [
      { role: "user", content: turn.question },
      { role: "assistant", content: turn.text },
    ]);
}

/**
 * Put a conversation in front; the oldest go where there are more than `keep` or they are too large together. Of one that
 * is too large by itself the last turns are kept.
 */
export function keepBounded(kept: readonly Conversation[], conversation: Conversation, keep: number): Conversation[] {
  const ended = shortened({ ...conversation, turns: conversation.turns.map(asEnded) });
  const all = [ended, ...kept.filter((other) => other.id !== conversation.id)].slice(0, Math.max(0, keep));
  let characters = 0;
  return all.filter((one) => {
    characters += one.turns.reduce((sum, turn) => sum + sizeOf(turn), 0);
    return characters <= MAX_CHARACTERS;
  });
}

function shortened(conversation: Conversation): Conversation {
  let room = MAX_OF_ONE;
  const first = conversation.turns.findLastIndex((turn) => (room -= sizeOf(turn)) < 0) + 1;
  if (first === 0) {
    return conversation;
  }
  const turns = first < conversation.turns.length ? conversation.turns.slice(first) : conversation.turns.slice(-1).map(cut);
  if (turns.length === conversation.turns.length) {
    return { ...conversation, turns };
  }
  // The action was run by the first turn, which is gone: what is left are questions.
  const { action: _, instruction: __, ...rest } = conversation;
  return { ...rest, turns };
}

function cut(turn: Turn): Turn {
  const question = turn.question.slice(0, MAX_OF_ONE / 2);
  return { ...turn, question, text: turn.text.slice(0, MAX_OF_ONE - question.length), incomplete: "too long to be kept whole" };
}

function sizeOf(turn: Turn): number {
  return turn.text.length + turn.question.length;
}

/** Read what was stored, whatever it has become. */
export function readStored(value: unknown): Conversation[] {
  return Array.isArray(value) ? value.filter(isConversation) : [];
}

/** What was running when the window closed is not running any more. */
function asEnded(turn: Turn): Turn {
  return turn.state === "running" ? { ...turn, state: "stopped", incomplete: "the window was closed" } : turn;
}

function isConversation(value: unknown): value is Conversation {
  const one = value as Partial<Conversation> | null;
  return (
    typeof one === "object" && one !== null && typeof one.id === "string" && typeof one.about === "string" && Array.isArray(one.turns) &&
    one.turns.every((turn: Partial<Turn>) => typeof turn?.question === "string" && typeof turn.text === "string" && Array.isArray(turn.notes))
  );
}
