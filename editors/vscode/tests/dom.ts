// As much of a document as src/webview/markdown.ts needs.
export class Node {
  readonly children: (Node | string)[] = [];
  readonly attributes: Record<string, string> = {};
  parent: Node | undefined;
  className = "";
  title = "";
  type = "";
  tabIndex = -1;

  constructor(readonly name: string) {}

  get elements(): Node[] {
    return this.children.filter((child) => child instanceof Node);
  }

  get childElementCount(): number {
    return this.elements.length;
  }

  get firstElementChild(): Node | null {
    return this.elements[0] ?? null;
  }

  get lastElementChild(): Node | null {
    return this.elements.at(-1) ?? null;
  }

  set textContent(text: string) {
    this.children.splice(0, this.children.length, text);
  }

  append(...children: (Node | string)[]): void {
    for (const child of children) {
      if (child instanceof Node) {
        child.remove();
        child.parent = this;
      }
      this.children.push(child);
    }
  }

  remove(): void {
    this.parent?.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = undefined;
  }

  setAttribute(name: string, value: string): void {
    this.attributes[name] = value;
  }

  addEventListener(): void {}

  toString(): string {
    const inside = this.children.map((child) => (typeof child === "string" ? JSON.stringify(child) : child.toString())).join("");
    return `<${this.name}>${inside}</${this.name}>`;
  }
}

/** Every element name below a node. */
export function names(node: Node): string[] {
  return node.elements.flatMap((child) => [child.name, ...names(child)]);
}

export const document = {
  createElement: (name: string): Node => new Node(name),
  createTextNode: (text: string): string => text,
};
