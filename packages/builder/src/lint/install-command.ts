import { INSTALL_PROGRAMS, INSTALLERS, type InstallProgram } from './install-programs.ts';

/** A command that installs dependencies: which tool does it, and the words that say so. */
export interface InstallCommand {
  /** Commands of one tool do the same work: after the first, a later one has little left to do. */
  readonly tool: string;
  /** As people write it, e.g. `npm ci`. */
  readonly shown: string;
  /** What it installs stands in files of the project; else on the command line, and it reads none of them. */
  readonly readsProject: boolean;
}

const PREFIXES: ReadonlySet<string> = new Set([
  'sudo', 'exec', 'time', 'command', 'corepack', 'if', 'then', 'elif', 'else', 'do', 'while', '!', 'env', 'nice',
]); // biome-ignore format: a list of words

/** Commands that read nothing of the project and leave nothing for an install to read. */
const PLAIN: ReadonlySet<string> = new Set([
  'set', 'export', 'echo', 'rm', 'mkdir', 'true', ':', 'cd', 'apt-get', 'apt', 'apk', 'dnf', 'microdnf', 'yum', 'zypper',
  'dpkg', 'locale-gen', 'update-ca-certificates', 'apt-mark', 'addgroup', 'adduser', 'groupadd', 'useradd', 'fi', 'done',
]); // biome-ignore format: a list of words

/** The installs in the text of a shell command, in order. Only what surely is one: a word in quotes is no command. */
export function installCommands(text: string): readonly InstallCommand[] {
  const found: InstallCommand[] = [];
  let isPlain = true;
  for (const words of simpleCommands(text)) {
    const command = withoutPrefixes(words);
    const install = installOf(command);
    // A script, or a copied list of sources, may be what an install by names depends on.
    if (install !== undefined) found.push(isPlain ? install : { ...install, readsProject: true });
    else if (command[0] !== undefined && !PLAIN.has(command[0])) isPlain = false;
  }
  return found;
}

/** The words of each simple command, quoted ones as they stand; comments and heredocs end what is looked at. */
function simpleCommands(text: string): readonly (readonly string[])[] {
  const pieces = text.split(/&&|\|\||[;|\n&()]/);
  return pieces.map((piece) =>
    piece
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '' && word !== '{' && word !== '\\'),
  );
}

function withoutPrefixes(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !PREFIXES.has(word) && !/^[A-Za-z_]\w*=/.test(word));
  const rest = first < 0 ? [] : words.slice(first);
  return /^python3?$/.test(rest[0] ?? '') && rest[1] === '-m' ? rest.slice(2) : rest;
}

function installOf(command: readonly string[]): InstallCommand | undefined {
  const name = (command[0] ?? '').replace(/^.*\//, '');
  const program = Object.hasOwn(INSTALL_PROGRAMS, name) ? INSTALL_PROGRAMS[name] : undefined;
  if (program === undefined) return undefined;
  const args = command.slice(1);
  if (args.some((word) => /^(?:--help|--version|-h)$/.test(word)) || (name === 'yarn' && args.includes('-v')))
    return undefined;
  const words = args.filter((word) => !word.startsWith('-'));
  const sub = subcommandOf(words, program.installs);
  if (sub === undefined) return undefined;
  const operands = operandsOf(args, program).slice(sub.length);
  const isEditable = program.tool === 'pip' && args.some((word) => word === '-e' || word === '--editable');
  if (isEditable || operands.some(isLocal)) return undefined;
  const isGlobal = args.some((word) => program.global?.test(word)) || sub[0] === 'global';
  if (operands.length > 0 && operands.every((word) => INSTALLERS.has(packageName(word)))) {
    // `npm i -g pnpm`, `pip install --upgrade pip`.
    if (isGlobal || program.reads !== 'project') return undefined;
  }
  const shown = [name, ...sub].join(' ');
  return { tool: program.tool, shown, readsProject: !isGlobal && readsProject(program, args, operands) };
}

/** The words of the subcommand, up to two; none for a program that installs by its name alone. */
function subcommandOf(words: readonly string[], installs: RegExp): readonly string[] | undefined {
  return [2, 1, 0]
    .filter((count) => count <= words.length && (count > 0 || words.length === 0))
    .map((count) => words.slice(0, count))
    .find((sub) => installs.test(sub.join(' ')));
}

function operandsOf(args: readonly string[], { valued }: InstallProgram): readonly string[] {
  return args.filter(
    (word, at) =>
      !word.startsWith('-') &&
      !(valued?.test(args[at - 1] ?? '') ?? false) &&
      !/^(?:-r|--requirement)$/.test(args[at - 1] ?? '') &&
      !/^[<>]|^\d>/.test(word),
  );
}

/** What is a file or a directory of the project itself: it can only come after it. */
function isLocal(word: string): boolean {
  return (
    /^["']?\.{0,2}\//.test(word) ||
    /^["']?\.{1,2}(?:\[.*|["'])?$/.test(word) ||
    /\.(?:whl|tgz|deb|apk|rpm|gem)\b/.test(word)
  );
}

function readsProject({ reads }: InstallProgram, args: readonly string[], operands: readonly string[]): boolean {
  if (reads === 'project') return true;
  // `$(cat packages.txt)` has been cut at its bracket.
  if (operands.some((word) => word === '$' || word.includes('`'))) return true;
  if (reads === 'names') return false;
  const lists =
    args.some((word) => /^(?:-r|-f|--requirement|--file|--group|env)\b/.test(word)) ||
    /\.(?:txt|ya?ml|toml)\b/.test(args.join(' '));
  return lists || operands.length === 0 || operands.some((word) => word.includes('$'));
}

/** `poetry==1.8.2`, `"uv>=0.4"`, `pnpm@9`, `bundler:2.5`. */
function packageName(word: string): string {
  return word.replace(/^["']/, '').replace(/[=<>~!@:["'].*$/, '');
}
