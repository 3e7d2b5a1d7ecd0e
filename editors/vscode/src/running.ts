// The model requests that run now, so that Missy: Stop can end them.
import * as vscode from "vscode";
import type { Partial } from "./protocol";
import type { ServerSession, Streams } from "./server/session";

const STOP_MS = 2000;

interface Run {
  readonly title: string;
  readonly stop: () => void;
}

export class Running implements vscode.Disposable {
  readonly #runs = new Set<Run>();
  readonly #changed = new vscode.EventEmitter<void>();

  readonly onDidChange = this.#changed.event;

  get count(): number {
    return this.#runs.size;
  }

  /** Return what runs, in words. */
  get titles(): string[] {
    return [...this.#runs].map((run) => run.title);
  }

  stopAll(): number {
    const runs = [...this.#runs];
    runs.forEach((run) => run.stop());
    return runs.length;
  }

  dispose(): void {
    this.#changed.dispose();
  }

  /**
   * Run a command that calls a model. `stop` tokens and stopAll ask the server to stop it, which then answers with
   * the text so far; a server that does not answer is sent a cancel.
   */
  async execute<Result>(
    server: ServerSession,
    title: string,
    command: string,
    argument: object,
    streams: Streams & { readonly stop?: vscode.CancellationToken },
  ): Promise<Result> {
    const cancel = new vscode.CancellationTokenSource();
    let id: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      if (id === undefined) {
        cancel.cancel();
        return;
      }
      timer ??= setTimeout(() => cancel.cancel(), STOP_MS);
      server.execute("missy.stop", { id }).catch(() => cancel.cancel());
    };
    const run: Run = { title, stop };
    const subscription = streams.stop?.onCancellationRequested(stop);
    const onPartial = (value: Partial): void => {
      if (value.kind === "start") {
        id = value.id;
      }
      streams.onPartial?.(value);
    };
    this.#runs.add(run);
    this.#changed.fire();
    try {
      return await server.execute<Result>(command, argument, { ...streams, onPartial, token: cancel.token });
    } finally {
      clearTimeout(timer);
      subscription?.dispose();
      cancel.dispose();
      this.#runs.delete(run);
      this.#changed.fire();
    }
  }
}
