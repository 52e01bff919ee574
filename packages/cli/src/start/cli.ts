import { parseArguments, type ParsedArguments } from '../grammar/argv.ts';
import { type Command, type GlobalSettings, parseCommandLine } from '../grammar/command.ts';
import { later } from '../commands/absent.ts';
import { catalog } from '../commands/catalog.ts';
import { nouns } from '../commands/nouns.ts';
import { UsageError, notSupportedYet } from '../host/usage-error.ts';
import { EXIT_OK } from '../host/exit-code.ts';
import type { Host } from '../host/host.ts';
import { globalOptions } from '../grammar/options.ts';
import { reportError } from '../output/report-error.ts';
import { tellStoreAccess } from '../store/tell-access.ts';
import { storeRoot } from '../store/store-root.ts';
import { didYouMean } from '../grammar/suggest.ts';
import { version } from '../host/version.ts';

const programOptions = {
  ...globalOptions,
  version: { kind: 'flag', short: 'v', describe: 'Show the version' },
} as const;

/**
 * The whole program as a function: finds the command, runs it, and turns whatever goes wrong into one diagnostic.
 * Never rejects; returns the exit code.
 */
export async function runCommandLine(argv: readonly string[], host: Host): Promise<number> {
  try {
    return await dispatch(argv, host);
  } catch (error) {
    return reportError(error, host, { debug: wantsDebug(argv) });
  }
}

async function dispatch(argv: readonly string[], host: Host): Promise<number> {
  if (argv[0] === '__complete') return complete(argv.slice(argv[1] === '--' ? 2 : 1), host);
  const program = parseArguments(argv, programOptions, { stopAtOperand: true });
  if (program.options.get('version') === true) return showVersion(host);
  const [word, ...rest] = program.operands;
  if (word === undefined) return showProgramHelp(host);
  if (word === 'version') return showVersion(host);
  if (word === 'help') return await help(rest, host);

  const { name, argv: words } = resolveName(word, rest);
  if (name === 'version') return showVersion(host);
  if (name === undefined || program.options.get('help') === true) return help(name === undefined ? [] : [name], host);
  const command = await loadCommand(name);
  try {
    const parsed = parseCommandLine(command, words);
    if (parsed.options.get('help') === true) return await showCommandHelp(command, host);
    const settings = globalSettings(program, parsed, host);
    tellStoreAccess(name, settings.root, host, parsed.options.get('progress') === 'json');
    return await command.run(parsed, settings, host);
  } catch (error) {
    if (command.ownFailure === undefined) throw error;
    await reportError(error, host, { debug: wantsDebug(argv) });
    return command.ownFailure;
  }
}

/** For the scripts of `tsbuild completion`. */
async function complete(words: readonly string[], host: Host): Promise<number> {
  const { completeWords } = await import('../commands/completion/complete.ts');
  await completeWords(words, host);
  return EXIT_OK;
}

/** A command's name from docker's noun form or the plain one; `name` is undefined for a noun alone. */
function resolveName(word: string, rest: readonly string[]): { name: string | undefined; argv: readonly string[] } {
  const verbs = Object.hasOwn(nouns, word) ? nouns[word] : undefined;
  if (verbs === undefined) return { name: word, argv: rest };
  const [verb, ...words] = rest;
  if (verb === undefined || verb === '--help' || verb === '-h') return { name: undefined, argv: [] };
  const name = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (name === undefined && word === 'buildx' && verb === 'version') return { name: 'version', argv: [] };
  if (name === undefined) throw notSupportedYet(`tsbuild ${word} ${verb}`, undefined, later[`${word} ${verb}`]);
  // `image inspect` and `container inspect` see nothing else.
  return { name, argv: name === 'inspect' ? ['--type', word, ...words] : words };
}

async function loadCommand(name: string): Promise<Command> {
  const entry = Object.hasOwn(catalog, name) ? catalog[name] : undefined;
  if (entry !== undefined) return entry.load();
  if (Object.hasOwn(later, name)) throw notSupportedYet(`tsbuild ${name}`, undefined, later[name]);
  throw new UsageError(`unknown command ${JSON.stringify(name)}`, { hint: didYouMean(name, Object.keys(catalog)) });
}

function globalSettings(program: ParsedArguments, command: ParsedArguments, host: Host): GlobalSettings {
  const root = command.options.get('root') ?? program.options.get('root');
  return {
    root: storeRoot(typeof root === 'string' ? root : undefined, host),
    debug: program.options.get('debug') === true || command.options.get('debug') === true,
  };
}

/** For errors of the command line itself, where nothing could be parsed. */
function wantsDebug(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some((word) => word === '--debug' || word === '-D');
}

function showVersion(host: Host): number {
  host.stdout.write(`tsbuild ${version}\n`);
  return EXIT_OK;
}

async function help(words: readonly string[], host: Host): Promise<number> {
  const [word, ...rest] = words;
  if (word === undefined) return showProgramHelp(host);
  const { name } = resolveName(word, rest);
  return name === undefined ? showProgramHelp(host) : showCommandHelp(await loadCommand(name), host);
}

async function showProgramHelp(host: Host): Promise<number> {
  const { programHelp } = await import('../commands/help.ts');
  host.stdout.write(await programHelp(host.stdout.columns));
  return EXIT_OK;
}

async function showCommandHelp(command: Command, host: Host): Promise<number> {
  const { commandHelp } = await import('../commands/help.ts');
  host.stdout.write(await commandHelp(command, host.stdout.columns));
  return EXIT_OK;
}
