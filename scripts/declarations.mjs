// Reads the declaration files that tsc emits: enough of the language for those, and no more.

/**
 * The top-level statements of a declaration file, without comments and without what is private.
 * @param {string} source
 * @returns {string[]}
 */
export function statementsOf(source) {
  const statements = [];
  const text = withoutComments(source);
  let start = 0;
  let depth = 0;
  for (const { index, 0: token } of text.matchAll(
    /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|[()[\]{};]/g,
  )) {
    if ('([{'.includes(token)) depth++;
    else if (')]}'.includes(token)) depth--;
    const isBlock =
      token === '}' &&
      /^\s*(?:export )?(?:declare )?(?:abstract )?(?:interface|class|namespace)\b/.test(text.slice(start));
    if (depth > 0 || !(token === ';' || isBlock)) continue;
    statements.push(tidied(text.slice(start, index + 1)));
    start = index + 1;
  }
  return statements;
}

/** What a statement declares, or undefined. */
export function declaredName(statement) {
  return /^(?:export )?(?:declare )?(?:abstract )?(?:function|class|interface|type|const|let|namespace) ([\w$]+)/.exec(
    statement,
  )?.[1];
}

/**
 * The names that a declaration file declares with a doc comment.
 * @returns {Set<string>}
 */
export function documentedNames(source) {
  const pattern =
    /\*\/\s*(?:export )?(?:declare )?(?:abstract )?(?:function|class|interface|type|const|let|namespace) ([\w$]+)/g;
  return new Set([...source.matchAll(pattern)].map(([, name]) => name));
}

/**
 * What a module hands on from others; `names` is undefined for all.
 * @returns {{from: string, names: string[] | undefined}[]}
 */
export function exportsOf(statements) {
  return statements.flatMap((statement) => {
    const all = /^export \* from '(.+)';$/.exec(statement);
    if (all !== null) return [{ from: all[1], names: undefined }];
    const some = /^export (?:type )?\{([^}]*)\} from '(.+)';$/s.exec(statement);
    if (some !== null) return [{ from: some[2], names: listed(some[1]) }];
    if (/^export (?:type )?[{*]/.test(statement) && statement !== 'export {};') {
      throw new Error(`cannot read: ${statement}`);
    }
    return [];
  });
}

/** The names that a module takes from other modules of its package. */
export function importedNames(statements) {
  return statements.flatMap((statement) => {
    const names = /^import (?:type )?\{([^}]*)\} from '\./s.exec(statement);
    return names === null ? [] : listed(names[1]);
  });
}

function listed(names) {
  return names
    .split(',')
    .map((name) => name.replace(/\btype\b/, '').trim())
    .filter((name) => name !== '');
}

function withoutComments(source) {
  return source.replaceAll(
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/.*/g,
    '$1',
  );
}

function tidied(statement) {
  return statement
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && line.trim() !== '#private;')
    .join('\n')
    .trim()
    .replaceAll('    ', '  ');
}
