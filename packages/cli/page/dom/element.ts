/** What an element may get: attributes, `class`, and listeners under `on…`. Undefined and false leave it out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>;

export type Child = Node | string | undefined | false;

/** An HTML element. Text is only ever text: nothing of an image is read as markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  return fill(made, attributes, children);
}

const SVG = 'http://www.w3.org/2000/svg';

/** An SVG element. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill<Made extends Element>(made: Made, attributes: Attributes, children: readonly Child[]): Made {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name.slice(2), value as EventListener);
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((child) => child !== undefined && child !== false));
  return made;
}

/** Sets custom properties of an element's style: attributes `style` are forbidden by the page's policy. */
export function styled<Made extends HTMLElement | SVGElement>(
  made: Made,
  properties: Readonly<Record<string, string>>,
): Made {
  for (const [name, value] of Object.entries(properties)) made.style.setProperty(name, value);
  return made;
}
