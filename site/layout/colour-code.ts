/** What of a language is seen at a glance: its comments, its texts, its words. */
interface Language {
  readonly comment?: RegExp;
  readonly text?: RegExp;
  readonly word?: RegExp;
}

const HASH = /(?<=^|\s)#.*/;
const QUOTED = /'[^'\n]*'|"[^"\n]*"/;
const SCRIPT: Language = {
  comment: /\/\/.*|\/\*[^]*?\*\//,
  text: /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/,
  word: /\b(?:import|export|from|const|let|for|of|if|else|return|await|async|new|try|finally|throw|type|interface|function|class|extends|readonly|declare)\b/,
};
const SHELL: Language = { comment: HASH, text: QUOTED, word: /(?<=^|[|&;(] ?)(?:tsbuild|docker|npm|git)(?= )/ };
const DATA: Language = { comment: HASH, text: QUOTED, word: /(?<=^\s*(?:- )?)[\w.-]+(?=:)/ };

const LANGUAGES: Readonly<Record<string, Language>> = {
  js: SCRIPT,
  ts: SCRIPT,
  groovy: SCRIPT,
  json: { text: /"(?:\\.|[^"\\\n])*"/ },
  sh: SHELL,
  yaml: DATA,
  toml: { comment: HASH, text: QUOTED, word: /^\[+.*\]+$/ },
  dockerfile: { comment: /^\s*#.*/, text: QUOTED, word: /^(?:[A-Z]{3,})(?= )/ },
};

/** Code as HTML with a few marks. A language that is not known, and a screen, have none. */
export function colourCode(code: string, language: string): string {
  const { comment, text, word } = LANGUAGES[language] ?? {};
  const kinds = [
    ['c', comment],
    ['s', text],
    ['w', word],
  ] as const;
  const known = kinds.flatMap(([name, pattern]) => (pattern === undefined ? [] : [`(?<${name}>${pattern.source})`]));
  if (known.length === 0) return escapeHtml(code);
  let html = '';
  let end = 0;
  for (const match of code.matchAll(new RegExp(known.join('|'), 'gm'))) {
    const name = kinds.find(([kind]) => match.groups?.[kind] !== undefined)?.[0] ?? 'c';
    html += `${escapeHtml(code.slice(end, match.index))}<i class="${name}">${escapeHtml(match[0])}</i>`;
    end = match.index + match[0].length;
  }
  return html + escapeHtml(code.slice(end));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text that stays text in HTML, also in an attribute in double quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
