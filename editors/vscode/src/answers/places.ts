// The code that a question was about, followed through what is typed meanwhile. Nothing of VS Code is needed here.
import { follow, type TextChange } from "../changes/tracking";
import type { Range } from "../protocol";
import type { Conversation } from "./conversations";

const MOST = 100;

export class FollowedPlaces {
  readonly #places = new Map<string, { readonly uri: string; readonly range: Range }>();

  /** Follow the place of a conversation from now on; `uri` is its document's, as the changes name it. */
  note(conversation: Conversation, uri: string): void {
    const range = conversation.place?.range;
    this.#places.delete(conversation.id);
    if (range) {
      this.#places.set(conversation.id, { uri, range });
      const [oldest] = this.#places.keys();
      if (this.#places.size > MOST && oldest !== undefined) {
        this.#places.delete(oldest);
      }
    }
  }

  /** Take the changes of a document, each told in terms of the text before all of them, the last one in it first. */
  changed(uri: string, changes: readonly TextChange[]): void {
    for (const [id, place] of this.#places) {
      if (place.uri === uri) {
        this.#places.set(id, { uri, range: changes.reduce(follow, place.range) });
      }
    }
  }

  /** Return where the code of a conversation stands now, else where it stood when it was asked about. */
  rangeOf(conversation: Conversation): Range | undefined {
    return this.#places.get(conversation.id)?.range ?? conversation.place?.range;
  }
}
