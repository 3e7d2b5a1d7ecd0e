// Questions and their answers: from the user's words to a conversation in the panel.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { Answer, Edit, Partial, Target, Tier } from "../protocol";
import { tierAbove } from "../protocol";
import type { Running } from "../running";
import { Failure, type ServerSession } from "../server/session";
import type { Place } from "../target";
import { type Conversation, historyBefore, type Turn, withLastTurn } from "./conversations";
import type { AnswerPanel } from "./panel";
import { FollowedPlaces } from "./places";
import type { AnswerStore } from "./store";

const PATIENCE_MS = 800;
const EMPTY: Turn = { question: "", text: "", state: "running", notes: [] };

export interface Wishes {
  readonly tier?: Tier | undefined;
  readonly action?: string;
  readonly instruction?: string;
  /** What came before the question, outside the panel. */
  readonly before?: Turn;
}

export class Asking implements vscode.Disposable {
  #current: { readonly id: string; readonly stop: vscode.CancellationTokenSource } | undefined;
  #askedAt = 0;
  #deltaAt = 0;
  readonly #places = new FollowedPlaces();
  readonly #edits = vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    this.#places.changed(document.uri.toString(), [...contentChanges].sort((one, other) => other.rangeOffset - one.rangeOffset));
  });

  constructor(
    private readonly server: () => Promise<ServerSession>,
    private readonly panel: AnswerPanel,
    private readonly store: AnswerStore,
    private readonly running: Running,
    private readonly log: vscode.LogOutputChannel,
    private readonly onGroup: (question: string, answer: Answer, edit: Edit) => void,
  ) {}

  /** Ask in a new conversation, or run an action whose result is an answer. */
  async ask(question: string, place: Place, wishes: Wishes = {}): Promise<Answer | undefined> {
    const conversation: Conversation = {
      id: randomUUID(),
      startedAt: Date.now(),
      about: place.about,
      ...(place.uri === undefined ? {} : { place: { uri: place.uri, ...(place.range ? { range: place.range } : {}) } }),
      ...(wishes.action === undefined ? {} : { action: wishes.action }),
      ...(wishes.instruction === undefined ? {} : { instruction: wishes.instruction }),
      turns: [...(wishes.before ? [wishes.before] : []), { ...EMPTY, question }],
    };
    return this.#run(conversation, place.target, wishes.tier);
  }

  /** Ask on in the conversation that the panel shows. */
  async followUp(question: string): Promise<void> {
    const shown = this.panel.conversation;
    if (shown && shown.turns.at(-1)?.state !== "running") {
      const conversation = { ...this.#asItStands(shown), turns: [...shown.turns, { ...EMPTY, question }] };
      await this.#run(conversation, placeAgain(conversation), undefined);
    }
  }

  /** Ask the last question again, on the tier above where that is wished. */
  async retry(oneTierUp: boolean): Promise<void> {
    const shown = this.panel.conversation;
    const last = shown?.turns.at(-1);
    if (shown && last && last.state !== "running") {
      const tier = oneTierUp && last.tier ? tierAbove(last.tier) : undefined;
      const again = withLastTurn(this.#asItStands(shown), () => ({ ...EMPTY, question: last.question }));
      await this.#run(again, placeAgain(again), tier);
    }
  }

  stop(): void {
    this.#current?.stop.cancel();
  }

  /** Note how long the user waited for the first text. */
  firstTextShown(): void {
    if (this.#askedAt > 0) {
      const now = Date.now();
      this.log.info(`first text visible ${now - this.#askedAt} ms after the question, ${now - this.#deltaAt} ms after it came from the server`);
      this.#askedAt = 0;
    }
  }

  dispose(): void {
    this.#edits.dispose();
    this.#current?.stop.dispose();
  }

  /** Return the conversation with its place where that stands by now. */
  #asItStands(conversation: Conversation): Conversation {
    const range = this.#places.rangeOf(conversation);
    return conversation.place && range ? { ...conversation, place: { ...conversation.place, range } } : conversation;
  }

  async #run(started: Conversation, target: Target, tier: Tier | undefined): Promise<Answer | undefined> {
    this.stop(); // one conversation at a time is in sight
    if (started.place) {
      this.#places.note(started, vscode.Uri.parse(started.place.uri).toString());
    }
    const stop = new vscode.CancellationTokenSource();
    this.#current = { id: started.id, stop };
    this.#askedAt = Date.now();
    this.#deltaAt = 0;
    const live = new LiveTurn(started, this.panel, () => {
      this.#deltaAt ||= Date.now();
    });
    this.panel.show(started);
    const [command, argument] = requestOf(started, target, tier);
    const title = started.turns.at(-1)?.question ?? "";
    let answer: Answer | undefined;
    try {
      const server = await this.server();
      answer = await this.#withProgress(stop, live, () =>
        this.running.execute<Answer>(server, title, command, argument, {
          stop: stop.token,
          onPartial: (value) => live.take(value),
          onProgress: () => undefined, // the panel tells enough; without a token of ours the server makes one for the status bar
        }),
      );
      live.end(answer);
      if (answer.edit?.files) {
        this.onGroup(title, answer, answer.edit);
      }
    } catch (error) {
      live.fail(error instanceof Failure ? error : new Failure(error instanceof Error ? error.message : String(error), "internal", {}));
    } finally {
      if (this.#current?.stop === stop) {
        this.#current = undefined;
      }
      stop.dispose();
      await this.store.keep(live.conversation);
    }
    return answer;
  }

  /**
   * Where the first text takes its time, show a notification with Cancel until it is there: from then on the panel, which
   * has its own Stop, tells enough. A quick answer brings none.
   */
  async #withProgress<Result>(stop: vscode.CancellationTokenSource, live: LiveTurn, work: () => Promise<Result>): Promise<Result> {
    const result = work();
    const enough = Promise.race([live.firstText, result.then(() => undefined, () => undefined)]);
    const options = { location: vscode.ProgressLocation.Notification, title: "Missy: waiting for the model", cancellable: true };
    const timer = setTimeout(() => {
      void vscode.window.withProgress(options, async (progress, token) => {
        token.onCancellationRequested(() => stop.cancel());
        live.onNote = (message) => progress.report({ message });
        live.onNote(live.lastNote);
        await enough;
      });
    }, PATIENCE_MS);
    void enough.then(() => clearTimeout(timer));
    return result;
  }
}

/** The turn that is being answered: takes what streams in and keeps the panel up to date. */
class LiveTurn {
  #conversation: Conversation;
  #gotText: () => void = () => undefined;

  readonly firstText = new Promise<void>((resolve) => {
    this.#gotText = resolve;
  });
  onNote: (message: string) => void = () => undefined;
  lastNote = "";

  constructor(
    conversation: Conversation,
    private readonly panel: AnswerPanel,
    private readonly onText: () => void,
  ) {
    this.#conversation = conversation;
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  take(value: Partial): void {
    switch (value.kind) {
      case "start": {
        const { provider, model, tier, routeReasons } = value;
        this.#say(`${model} (${tier})`);
        this.#change((turn) => ({ ...turn, provider, model, tier, routeReasons }));
        break;
      }
      case "text":
        this.onText();
        this.#conversation = withLastTurn(this.#conversation, (turn) => ({ ...turn, text: turn.text + value.text }));
        this.panel.append(this.#conversation, value.text);
        this.#gotText();
        break;
      case "thinking":
        this.#say("thinking");
        break;
      case "tool":
        this.#note(value.summary || value.name);
        break;
      case "retry":
        this.#note(`attempt ${value.attempt} in ${Math.ceil(value.inSeconds)} s: ${value.reason}`);
        break;
      default:
        break;
    }
  }

  end(answer: Answer): void {
    const { text, model, provider, tier, routeReasons, usage, timing, stopReason, complete } = answer;
    const isStopped = stopReason === "cancelled";
    this.#change((turn) => ({
      ...turn, text, model, provider, tier, routeReasons, usage, totalMs: timing.totalMs,
      state: isStopped ? "stopped" : "done",
      ...(complete || isStopped ? {} : { incomplete: stopReason }),
    }));
  }

  fail(failure: Failure): void {
    this.#change((turn) => ({
      ...turn,
      text: turn.text || (failure.data.partialText ?? ""),
      state: failure.kind === "cancelled" ? "stopped" : "failed",
      ...(failure.kind === "cancelled" ? {} : { failure: { kind: failure.kind, sentence: failure.message } }),
    }));
  }

  #say(message: string): void {
    this.lastNote = message;
    this.onNote(message);
  }

  #note(note: string): void {
    this.#say(note);
    this.#change((turn) => ({ ...turn, notes: [...turn.notes, note].slice(-50) }));
  }

  #change(change: (turn: Turn) => Turn): void {
    this.#conversation = withLastTurn(this.#conversation, change);
    this.panel.update(this.#conversation);
  }
}

function requestOf(conversation: Conversation, target: Target, tier: Tier | undefined): [string, object] {
  const wish = tier === undefined ? {} : { tier };
  if (conversation.turns.length === 1 && conversation.action !== undefined) {
    const instruction = conversation.instruction === undefined ? {} : { instruction: conversation.instruction };
    return ["missy.runAction", { action: conversation.action, ...target, ...instruction, ...wish }];
  }
  const prompt = conversation.turns.at(-1)?.question ?? "";
  return ["missy.ask", { prompt, ...target, history: historyBefore(conversation), ...wish }];
}

/** Return the place of a conversation as it is now: without a version, and nowhere where the document is closed. */
function placeAgain(conversation: Conversation): Target {
  const place = conversation.place;
  const document = place && vscode.workspace.textDocuments.find((one) => one.uri.toString() === vscode.Uri.parse(place.uri).toString());
  if (!place || !document) {
    return {};
  }
  const fits = place.range && place.range.end.line < document.lineCount;
  return { textDocument: { uri: place.uri }, ...(fits && place.range ? { range: place.range } : {}) };
}
