// The last answers of this folder, kept by VS Code beside the folder's other state.
import * as vscode from "vscode";
import { type Conversation, keepBounded, readStored } from "./conversations";

const KEY = "missy.answers";
const SHOWN = "missy.answers.shown";
const WORDS_KEPT = 30;
const WORDS_MAX_CHARACTERS = 500;

/** The words of the user's that are offered again. */
export const WORDS = { questions: "missy.questions", instructions: "missy.instructions" } as const;
export type WordsKey = (typeof WORDS)[keyof typeof WORDS];

export class AnswerStore {
  /** `state` is the workspace's: what was said about one folder's code is not shown in another. */
  constructor(private readonly state: vscode.Memento) {}

  all(): Conversation[] {
    return readStored(this.state.get(KEY));
  }

  find(id: string): Conversation | undefined {
    return this.all().find((conversation) => conversation.id === id);
  }

  /** Return the conversation that the panel showed last: the window's own memory of it may be a minute old. */
  shown(): Conversation | undefined {
    const id = this.state.get(SHOWN);
    return typeof id === "string" ? this.find(id) : undefined;
  }

  async show(conversation: Conversation): Promise<void> {
    await this.state.update(SHOWN, conversation.id);
  }

  async keep(conversation: Conversation): Promise<void> {
    const most = mostKept();
    await this.state.update(KEY, most > 0 ? keepBounded(this.all(), conversation, Math.min(most, 100)) : undefined);
    await this.show(conversation);
  }

  /** Return the questions or instructions of before, the last one first. */
  words(key: WordsKey): string[] {
    return this.state.get<unknown[]>(key, []).filter((text) => typeof text === "string");
  }

  /** Keep a question or an instruction, where answers are kept: it says as much of the code as they do. */
  async keepWords(key: WordsKey, text: string): Promise<void> {
    if (mostKept() > 0 && text.length <= WORDS_MAX_CHARACTERS) {
      await this.state.update(key, [text, ...this.words(key).filter((other) => other !== text)].slice(0, WORDS_KEPT));
    }
  }

  /** Forget the answers, and the questions and instructions that are offered again. */
  async forget(): Promise<void> {
    for (const key of [KEY, SHOWN, ...Object.values(WORDS)]) {
      await this.state.update(key, undefined);
    }
  }
}

function mostKept(): number {
  return vscode.workspace.getConfiguration("missy").get<number>("answers.keep", 20);
}
