/** A command that installs dependencies: which tool does it, and the words that say so. */
export interface InstallCommand {
  /** Commands of one tool do the same work: after the first, a later one has little left to do. */
  readonly tool: string;
  /** As people write it, e.g. `npm ci`. */
  readonly shown: string;
}

/** By program: the tool, the subcommands that install, and whether words must follow. */
const PROGRAMS: Readonly<Record<string, { readonly tool: string; readonly installs: RegExp }>> = {
  npm: { tool: 'npm', installs: /^(?:ci|clean-install|install|i|add)$/ },
  pnpm: { tool: 'npm', installs: /^(?:install|i|add|fetch)$/ },
  yarn: { tool: 'npm', installs: /^(?:install|add)?$/ },
  bun: { tool: 'npm', installs: /^(?:install|i|add)$/ },
  pip: { tool: 'pip', installs: /^install$/ },
  pip3: { tool: 'pip', installs: /^install$/ },
  poetry: { tool: 'pip', installs: /^install$/ },
  pipenv: { tool: 'pip', installs: /^(?:install|sync)$/ },
  uv: { tool: 'pip', installs: /^sync$/ },
  'apt-get': { tool: 'apt', installs: /^install$/ },
  apt: { tool: 'apt', installs: /^install$/ },
  apk: { tool: 'apk', installs: /^add$/ },
  dnf: { tool: 'dnf', installs: /^install$/ },
  microdnf: { tool: 'dnf', installs: /^install$/ },
  yum: { tool: 'dnf', installs: /^install$/ },
  bundle: { tool: 'bundle', installs: /^install$/ },
  gem: { tool: 'bundle', installs: /^install$/ },
  composer: { tool: 'composer', installs: /^install$/ },
  cargo: { tool: 'cargo', installs: /^fetch$/ },
  go: { tool: 'go', installs: /^mod download$/ },
};

const PREFIXES: ReadonlySet<string> = new Set([
  'sudo',
  'exec',
  'time',
  'command',
  'corepack',
  'if',
  'then',
  'elif',
  'else',
  'do',
  'while',
  '!',
]);

/** The installs in the text of a shell command, in order. Only what surely is one: a word in quotes is no command. */
export function installCommands(text: string): readonly InstallCommand[] {
  return simpleCommands(text).flatMap((words) => installOf(words) ?? []);
}

/** The words of each simple command, quoted ones as they stand; comments and heredocs end what is looked at. */
function simpleCommands(text: string): readonly (readonly string[])[] {
  const pieces = text.split(/&&|\|\||[;|\n&()]/);
  return pieces.map((piece) =>
    piece
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '' && word !== '{'),
  );
}

function installOf(words: readonly string[]): InstallCommand | undefined {
  const first = words.findIndex((word) => !PREFIXES.has(word) && !/^[A-Za-z_]\w*=/.test(word));
  let rest = first < 0 ? [] : words.slice(first);
  if (/^python3?$/.test(rest[0] ?? '') && rest[1] === '-m') rest = rest.slice(2);
  const program = (rest[0] ?? '').replace(/^.*\//, '');
  const known = Object.hasOwn(PROGRAMS, program) ? PROGRAMS[program] : undefined;
  if (known === undefined) return undefined;
  const args = rest.slice(1).filter((word) => !word.startsWith('-'));
  const sub = program === 'go' ? args.slice(0, 2).join(' ') : (args[0] ?? '');
  if (!known.installs.test(sub) || needsSources(program, rest.slice(1))) return undefined;
  return { tool: known.tool, shown: `${program} ${sub}`.trim() };
}

/** What installs the project itself, or a file of it, can only come after it. */
function needsSources(program: string, args: readonly string[]): boolean {
  if (program === 'yarn' && args.some((word) => word === '--version' || word === '-v')) return true;
  if (args.some((word) => word === '--help' || word === '--version')) return true;
  if (/^pip3?$/.test(program) && args.some((word) => word === '-e' || word === '--editable')) return true;
  const operands = args.slice(1).filter((word, at) => !word.startsWith('-') && !/^-[rct]$/.test(args[at] ?? ''));
  return operands.some((word) => /^["']?[./]/.test(word) || /\.(?:whl|tgz|deb|apk|rpm|gem)\b/.test(word));
}
