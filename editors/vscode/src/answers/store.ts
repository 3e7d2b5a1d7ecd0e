// The last answers of this folder, kept by VS Code beside the folder's other state.
import * as vscode from "vscode";
import { type Conversation, keepBounded, readStored } from "./conversations";

const KEY = "missy.answers";
const SHOWN = "missy.answers.shown";

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
    const most = vscode.workspace.getConfiguration("missy").get<number>("answers.keep", 20);
    await this.state.update(KEY, most > 0 ? keepBounded(this.all(), conversation, Math.min(most, 100)) : undefined);
    await this.show(conversation);
  }

  async forget(): Promise<void> {
    await this.state.update(KEY, undefined);
    await this.state.update(SHOWN, undefined);
  }
}
