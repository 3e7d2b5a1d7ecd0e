// A box for questions and instructions that remembers the last ones.
import * as vscode from "vscode";
import type { AnswerStore, WordsKey } from "../answers/store";

/** Ask for words of the user's; those of before, kept under `key`, are offered. Undefined where the user turns away. */
export async function askWords(store: AnswerStore, key: WordsKey, title: string, placeholder: string): Promise<string | undefined> {
  const chosen = await pick(title, placeholder, store.words(key));
  const text = chosen?.trim();
  if (text === undefined || text === "") {
    return undefined;
  }
  await store.keepWords(key, text);
  return text;
}

function pick(title: string, placeholder: string, before: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const box = vscode.window.createQuickPick();
    box.title = title;
    box.placeholder = placeholder;
    box.items = before.map((label) => ({ label }));
    box.ignoreFocusOut = true;
    // What is shown and what is typed meet a little later: Enter in between means what is typed.
    let isCaughtUp = true;
    box.onDidChangeActive(([active]) => {
      isCaughtUp ||= active?.label.trim() === box.value.trim();
    });
    box.onDidChangeValue((value) => {
      // What is typed comes first, so that Enter takes it and not something similar from before.
      const typed = value.trim();
      isCaughtUp = typed === "";
      const items: vscode.QuickPickItem[] = typed === "" || before.includes(typed) ? [] : [{ label: value, alwaysShow: true }];
      box.items = [...items, ...before.map((label) => ({ label }))];
      box.activeItems = items.length > 0 ? items : box.items.filter((item) => item.label === typed);
    });
    box.onDidAccept(() => {
      const typed = box.value.trim();
      resolve(isCaughtUp ? (box.activeItems[0]?.label ?? typed) : typed);
      box.hide();
    });
    box.onDidHide(() => {
      resolve(undefined);
      box.dispose();
    });
    box.show();
  });
}
