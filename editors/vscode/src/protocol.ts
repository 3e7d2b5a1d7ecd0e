// What the server and this extension say to each other: docs/reference/protocol.md.

export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export interface Target {
  readonly textDocument?: { readonly uri: string; readonly version?: number };
  readonly range?: Range;
}

export type Tier = "fast" | "primary" | "premium";

export interface HistoryTurn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheCreationTokens: number;
  readonly costUsd: number;
}

export interface Edit {
  readonly id?: string;
  readonly status: "pending" | "applied" | "refused" | "conflict" | "discarded";
  readonly uri: string;
  readonly version?: number;
  readonly range?: Range;
  readonly originalText?: string;
  readonly newText?: string;
  readonly diff?: string;
  readonly warnings?: readonly string[];
  readonly message?: string;
  readonly remarks?: string;
  readonly newFile?: string;
  /** There for a change of several files, which has no place of its own. */
  readonly files?: readonly EditFile[];
}

/** One file of a change of several; its id is that of a change of its own. */
export interface EditFile {
  readonly id: string;
  readonly uri: string;
  readonly path: string;
  readonly status: "pending" | "applied" | "discarded";
  readonly isNew: boolean;
  readonly added: number;
  readonly removed: number;
  readonly warnings?: readonly string[];
}

export interface Answer {
  readonly id: string;
  readonly text: string;
  readonly model: string;
  readonly provider: string;
  readonly tier: Tier;
  readonly routeReasons: readonly string[];
  readonly stopReason: string;
  readonly complete: boolean;
  readonly usage: Usage;
  readonly timing: { readonly firstTokenMs: number | null; readonly totalMs: number };
  readonly edit?: Edit;
}

/** One value of a partial result; kinds that this version does not know are passed over. */
export type Partial =
  | { readonly kind: "start"; readonly id: string; readonly provider: string; readonly model: string; readonly tier: Tier; readonly routeReasons: readonly string[] }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thinking"; readonly text: string }
  | { readonly kind: "tool"; readonly name: string; readonly summary: string }
  | { readonly kind: "retry"; readonly attempt: number; readonly inSeconds: number; readonly reason: string }
  | { readonly kind: "end"; readonly stopReason: string; readonly complete: boolean; readonly usage: Usage };

export interface Provider {
  readonly name: string;
  readonly available: boolean;
  readonly reason?: string;
  readonly model: string;
  readonly fastModel: string;
  readonly premiumModel: string;
  readonly default: boolean;
  readonly baseUrl: string | null;
  readonly keys: { readonly count: number; readonly source: string | null };
}

export interface Action {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly when: "always" | "selection" | "diagnostics" | "instruction" | "code" | "commit";
  readonly result: string;
  readonly tier: string;
  readonly source: "built-in" | "user" | "workspace";
}

export interface Status {
  readonly server: { readonly version: string; readonly ready: boolean };
  readonly trust: Readonly<Record<string, "trusted" | "untrusted" | "changed" | "refused" | "not_needed">>;
  readonly provider: string | null;
}

/** `data` of a failed model request. */
export interface FailureData {
  readonly kind?: string;
  readonly retryable?: boolean;
  readonly retryAfterS?: number;
  readonly partialText?: string;
}

export const TIERS: readonly Tier[] = ["fast", "primary", "premium"];

/** Return the tier above, undefined at the top. */
export function tierAbove(tier: Tier): Tier | undefined {
  return TIERS[TIERS.indexOf(tier) + 1];
}

/** Return "812 in, 240 out, $0.0060". */
export function usageWords(usage: Usage): string {
  const cached = usage.cacheReadTokens + usage.cacheCreationTokens;
  const input = `${usage.inputTokens + cached} tokens in${cached > 0 ? ` (${cached} cached)` : ""}`;
  return `${input}, ${usage.outputTokens} out, ${priceWords(usage.costUsd)}`;
}

/** Return a price with the digits that matter: $0.0060, $1.24. */
export function priceWords(usd: number): string {
  if (usd === 0) {
    return "$0";
  }
  return usd < 0.0001 ? "< $0.0001" : `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}
