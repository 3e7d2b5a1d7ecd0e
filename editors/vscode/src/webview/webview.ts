// The page of the answer panel: shows a conversation, keeps up with its stream, and tells what the user wants.
import type { Conversation, Turn } from "../answers/conversations";
import type { FromPage, ToPage } from "../answers/messages";
import { tierAbove, usageWords } from "../protocol";
import { MarkdownView, type CodeBlock } from "./markdown";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void; getState(): unknown; setState(state: unknown): void };

const host = acquireVsCodeApi();
const list = element("section", { id: "conversation", role: "log", "aria-label": "Conversation", tabindex: "0" });
const status = element("div", { role: "status", class: "facts" });
const question = element("textarea", { id: "question", rows: "1", placeholder: "Ask a follow-up question" });
let shown: Conversation | undefined;
let lastView: MarkdownView | undefined;
let hasText = false;

function start(): void {
  const label = element("label", { for: "question" }, "Follow-up question");
  const send = element("button", { type: "submit" }, "Ask");
  const form = element("form", { "aria-label": "Follow-up question" });
  form.append(label, question, send);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      ask();
    }
  });
  question.addEventListener("input", remember);
  list.addEventListener("mousedown", (event) => {
    if (event.target instanceof HTMLButtonElement) {
      event.preventDefault(); // the focus stays in the editor: what is copied is pasted there, what is inserted is typed on
    }
  });
  const main = document.createElement("main");
  main.append(list, form);
  document.body.append(main);
  const state = host.getState() as { draft?: unknown } | undefined;
  question.value = typeof state?.draft === "string" ? state.draft : "";
  window.addEventListener("message", (event: MessageEvent<ToPage>) => receive(event.data));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isRunning()) {
      host.postMessage({ type: "stop" });
    }
  });
  host.postMessage({ type: "ready" });
}

function receive(message: ToPage): void {
  if (message.type === "show") {
    show(message.conversation);
  } else if (lastView) {
    followEnd(() => lastView?.append(message.text));
    if (!hasText && lastView.text.trim() !== "") {
      hasText = true;
      const turn = shown?.turns.at(-1);
      status.textContent = turn ? factsOf({ ...turn, text: lastView.text }) : "";
      const { sentAt } = message;
      // After the next frame it can be seen.
      requestAnimationFrame(() => setTimeout(() => host.postMessage({ type: "firstText", afterMs: Date.now() - sentAt }), 0));
    }
  }
}

function show(conversation: Conversation | undefined): void {
  const isOther = conversation?.id !== shown?.id;
  shown = conversation;
  remember();
  const before = list.scrollTop;
  const atEnd = isAtEnd();
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["key"] : undefined;
  list.replaceChildren();
  lastView = undefined;
  if (!conversation) {
    list.append(element("p", { class: "empty" }, "No answer yet. Select some code and run Missy: Ask About Selection…"));
    return;
  }
  conversation.turns.forEach((turn, index) => list.append(turnElement(turn, index, conversation)));
  list.setAttribute("aria-busy", String(isRunning()));
  list.scrollTop = isOther || atEnd ? list.scrollHeight : before;
  if (focused !== undefined) {
    (list.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]:not(:disabled)`) ?? list).focus();
  }
}

function turnElement(turn: Turn, index: number, conversation: Conversation): HTMLElement {
  const isLast = index === conversation.turns.length - 1;
  const article = element("article", { "aria-label": `Question ${index + 1}` });
  article.append(element("h2", { class: "question" }, turn.question));
  if (index === 0 && conversation.about !== "") {
    article.append(element("div", { class: "about" }, conversation.about));
  }
  article.append(notes(turn));
  const body = element("div", { class: "answer" });
  const view = new MarkdownView(body, { codeBlock: codeBlock, link: (href) => host.postMessage({ type: "link", href }) });
  view.append(turn.text);
  if (turn.state === "running") {
    lastView = view;
    hasText = turn.text.trim() !== "";
  } else {
    view.finish();
  }
  article.append(body);
  if (turn.failure) {
    article.append(element("div", { class: "failure", role: "alert" }, turn.failure.sentence));
  }
  const facts = isLast ? status : element("div", { class: "facts" });
  facts.classList.toggle("waiting", turn.state === "running");
  facts.textContent = factsOf(turn);
  facts.title = (turn.routeReasons ?? []).join("\n");
  article.append(facts, buttons(turn, index, isLast, view));
  return article;
}

function notes(turn: Turn): HTMLElement {
  const holder = element("ul", { class: "notes", "aria-label": "What happened on the way" });
  holder.hidden = turn.notes.length === 0;
  holder.append(...turn.notes.map((note) => element("li", { class: "note" }, note)));
  return holder;
}

function factsOf(turn: Turn): string {
  const facts = [turn.model, turn.tier].filter((fact) => fact !== undefined) as string[];
  if (turn.usage) {
    facts.push(usageWords(turn.usage));
  }
  if (turn.totalMs !== undefined) {
    facts.push(`${(turn.totalMs / 1000).toFixed(1)} s`);
  }
  if (turn.state === "running") {
    facts.push(turn.text.trim() === "" ? "waiting for the model" : "answering");
  } else if (turn.state === "stopped") {
    facts.push("stopped");
  }
  if (turn.incomplete !== undefined) {
    facts.push(`incomplete: ${turn.incomplete}`);
  }
  return facts.join(" · ");
}

function buttons(turn: Turn, index: number, isLast: boolean, view: MarkdownView): HTMLElement {
  const row = element("div", { class: "buttons", role: "toolbar", "aria-label": "What can be done with this answer" });
  const add = (key: string, text: string, label: string, run: () => void): void => {
    const button = element("button", { type: "button", "aria-label": label, title: label }, text);
    button.dataset["key"] = `${key}-${index}`;
    button.addEventListener("click", run);
    row.append(button);
  };
  if (turn.state === "running") {
    add("stop", "Stop", "Stop this answer", () => host.postMessage({ type: "stop" }));
    return row;
  }
  if (turn.text.trim() !== "") {
    add("copy", "Copy", "Copy this answer", () => host.postMessage({ type: "copy", text: turn.text }));
    add("insert", "Insert", "Insert at the cursor: the code of this answer, or its text where it has none", () =>
      host.postMessage({ type: "insert", text: insertable(turn, view.codeBlocks()) }),
    );
  }
  if (isLast && turn.failure) {
    add("retry", "Retry", "Ask again", () => host.postMessage({ type: "retry", oneTierUp: false }));
    if (["no_key", "setup_token", "authentication", "permission"].includes(turn.failure.kind)) {
      add("key", "Store API Key…", "Store another API key", () => host.postMessage({ type: "storeKey" }));
    }
  }
  const above = turn.tier && tierAbove(turn.tier);
  if (isLast && above !== undefined) {
    add("up", "Retry One Tier Up", `Ask again on the tier above: ${above}`, () => host.postMessage({ type: "retry", oneTierUp: true }));
  }
  return row;
}

/** The only block of code, else the whole answer. */
function insertable(turn: Turn, blocks: readonly CodeBlock[]): string {
  return blocks.length === 1 && blocks[0] ? blocks[0].code : turn.text;
}

function codeBlock(block: CodeBlock, pre: HTMLElement): HTMLElement {
  const holder = element("div", { class: "code" });
  const bar = element("div", { class: "bar" });
  const named = block.language === "" ? "code" : `${block.language} code`;
  const actions = element("span");
  const copy = element("button", { type: "button", class: "small", "aria-label": `Copy this ${named}` }, "Copy");
  copy.addEventListener("click", () => host.postMessage({ type: "copy", text: block.code }));
  const insert = element("button", { type: "button", class: "small", "aria-label": `Insert this ${named} at the cursor` }, "Insert");
  insert.addEventListener("click", () => host.postMessage({ type: "insert", text: block.code }));
  actions.append(copy, " ", insert);
  bar.append(element("span", {}, block.language), actions);
  holder.append(bar, pre);
  return holder;
}

function ask(): void {
  const text = question.value.trim();
  if (text !== "" && !isRunning()) {
    question.value = "";
    remember();
    host.postMessage({ type: "ask", question: text });
  }
}

function remember(): void {
  host.setState({ conversation: shown?.id, draft: question.value });
}

function isRunning(): boolean {
  return shown?.turns.at(-1)?.state === "running";
}

function isAtEnd(): boolean {
  return list.scrollHeight - list.scrollTop - list.clientHeight < 40;
}

/** Keep the end in sight, unless the user has scrolled up to read. */
function followEnd(change: () => void): void {
  const atEnd = isAtEnd();
  change();
  if (atEnd) {
    list.scrollTop = list.scrollHeight;
  }
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, attributes: Record<string, string> = {}, text = ""): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  if (text !== "") {
    made.textContent = text;
  }
  return made;
}

start();
