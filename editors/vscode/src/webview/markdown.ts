// Markdown that a model wrote, as elements. Nothing is parsed as HTML: each element is made by name from the
// parser's tokens, text goes in as text, links lead nowhere by themselves and images become their description.
import MarkdownIt from "markdown-it";

type Token = ReturnType<ReturnType<typeof MarkdownIt>["parse"]>[number];

const TAGS = new Set(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "em", "strong", "s", "hr", "br"]);

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
}

export interface Handlers {
  /** Build what stands around a block of code. */
  readonly codeBlock: (block: CodeBlock, pre: HTMLElement) => HTMLElement;
  readonly link: (href: string) => void;
}

export class MarkdownView {
  readonly #parser = new MarkdownIt({ html: false, linkify: false, typographer: false, breaks: false });
  readonly #root: HTMLElement;
  readonly #handlers: Handlers;
  #text = "";
  /** How much of the text is shown for good, and how many elements that is. */
  #settled = 0;
  #settledElements = 0;

  constructor(root: HTMLElement, handlers: Handlers) {
    this.#root = root;
    this.#handlers = handlers;
    this.#parser.validateLink = (url) => /^(https?:|mailto:)/i.test(url.trim());
  }

  get text(): string {
    return this.#text;
  }

  /** Show more text. Only the last block is built again: earlier ones can't change any more. */
  append(text: string): void {
    this.#text += text;
    this.#render();
  }

  /** Show the whole text again, now that it is complete: a definition at its end may make links of earlier words. */
  finish(): void {
    this.#settled = 0;
    this.#settledElements = 0;
    this.#render();
  }

  /** Return the blocks of code in order. */
  codeBlocks(): CodeBlock[] {
    return this.#parser.parse(this.#text, {}).filter(isCode).map(asBlock);
  }

  #render(): void {
    const rest = this.#text.slice(this.#settled);
    const blocks = topLevel(this.#parser.parse(rest, {}));
    while (this.#root.childElementCount > this.#settledElements) {
      this.#root.lastElementChild?.remove();
    }
    for (const block of blocks) {
      this.#root.append(this.#build(block));
    }
    const last = blocks.at(-1)?.[0]?.map?.[0] ?? 0;
    if (blocks.length > 1 && last > 0) {
      this.#settled += offsetOfLine(rest, last);
      this.#settledElements += blocks.length - 1;
    }
  }

  #build(tokens: readonly Token[]): HTMLElement {
    const holder = document.createElement("div");
    this.#fill(holder, tokens);
    return (holder.firstElementChild as HTMLElement | null) ?? holder;
  }

  #fill(root: HTMLElement, tokens: readonly Token[]): void {
    const open: HTMLElement[] = [root];
    for (const token of tokens) {
      const parent = open.at(-1) ?? root;
      if (token.type === "inline") {
        this.#fill(parent, token.children ?? []);
      } else if (token.nesting === 1) {
        const element = this.#element(token);
        parent.append(element);
        open.push(element);
      } else if (token.nesting === -1) {
        open.pop();
      } else {
        parent.append(this.#leaf(token));
      }
    }
  }

  #element(token: Token): HTMLElement {
    if (token.type === "link_open") {
      return this.#link(String(token.attrGet("href") ?? ""));
    }
    if (token.type === "paragraph_open" && token.hidden) {
      return document.createElement("span");
    }
    const element = document.createElement(TAGS.has(token.tag) ? token.tag : "span");
    const start = token.attrGet("start");
    if (token.tag === "ol" && start !== null) {
      element.setAttribute("start", String(Number(start)));
    }
    return element;
  }

  #link(href: string): HTMLElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.setAttribute("role", "link");
    button.title = href;
    button.addEventListener("click", () => this.#handlers.link(href));
    return button;
  }

  #leaf(token: Token): Node {
    if (isCode(token)) {
      const pre = document.createElement("pre");
      pre.tabIndex = 0;
      const code = document.createElement("code");
      code.textContent = token.content;
      pre.append(code);
      return this.#handlers.codeBlock(asBlock(token), pre);
    }
    switch (token.type) {
      case "code_inline": {
        const code = document.createElement("code");
        code.textContent = token.content;
        return code;
      }
      case "softbreak":
        return document.createTextNode("\n");
      case "hardbreak":
        return document.createElement("br");
      case "hr":
        return document.createElement("hr");
      case "image":
        return document.createTextNode(`[image: ${token.content}]`);
      default:
        return document.createTextNode(token.content);
    }
  }
}

function isCode(token: Token): boolean {
  return token.type === "fence" || token.type === "code_block";
}

function asBlock(token: Token): CodeBlock {
  return { language: token.info.trim().split(/\s+/)[0] ?? "", code: token.content };
}

/** Cut the tokens into those of each outermost block. */
function topLevel(tokens: readonly Token[]): Token[][] {
  const blocks: Token[][] = [];
  let depth = 0;
  for (const token of tokens) {
    if (depth === 0) {
      blocks.push([]);
    }
    blocks.at(-1)?.push(token);
    depth += token.nesting;
  }
  return blocks;
}

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let count = 0; count < line; count++) {
    offset = text.indexOf("\n", offset) + 1;
  }
  return offset;
}
