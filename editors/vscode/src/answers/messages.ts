// What the answer panel's page and the extension tell each other.
import type { Conversation } from "./conversations";

export type ToPage =
  | { readonly type: "show"; readonly conversation: Conversation | undefined }
  /** More text of the last turn. */
  | { readonly type: "text"; readonly text: string; readonly sentAt: number };

export type FromPage =
  | { readonly type: "ready" }
  | { readonly type: "stop" }
  | { readonly type: "ask"; readonly question: string }
  | { readonly type: "copy"; readonly text: string }
  | { readonly type: "insert"; readonly text: string }
  | { readonly type: "retry"; readonly oneTierUp: boolean }
  | { readonly type: "link"; readonly href: string }
  | { readonly type: "storeKey" }
  | { readonly type: "firstText"; readonly afterMs: number };

/** Tell whether something that came from the page is a message. */
export function isFromPage(value: unknown): value is FromPage {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}
