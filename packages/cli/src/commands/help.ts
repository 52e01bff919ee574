import yargs, { type Argv, type Options } from 'yargs';
import type { Command } from '../grammar/command.ts';
import { catalog } from './catalog.ts';
import { globalOptions, type OptionSpec, type OptionTable } from '../grammar/options.ts';

const WIDEST = 100;

/** The help of one command: usage, options, examples. `columns` is the terminal's width, if there is one. */
export async function commandHelp(command: Command, columns?: number): Promise<string> {
  const page = blankPage(columns).usage(
    `Usage: tsbuild ${command.name} [OPTIONS] ${command.synopsis}\n\n${command.summary}.`,
  );
  addOptions(page, command.options, 'Options:');
  addOptions(page, globalOptions, 'Global options:');
  for (const [line, what] of command.examples) page.example(line, what);
  return finish(page);
}

/** The help of the whole program: its commands. */
export async function programHelp(columns?: number): Promise<string> {
  const page = blankPage(columns).usage(
    'Usage: tsbuild COMMAND [OPTIONS]\n\nBuild container images from Dockerfiles: no daemon, no root.',
  );
  for (const [name, entry] of Object.entries(catalog)) page.command(name, entry.summary);
  addOptions(page, globalOptions, 'Global options:');
  page
    .option('version', { alias: 'v', describe: 'Show the version', group: 'Global options:' })
    .example('tsbuild build -t my-app .', 'Build ./Dockerfile into the image my-app')
    .example('tsbuild save my-app | docker load', 'Hand the image to a Docker engine')
    .epilogue("Run 'tsbuild COMMAND --help' for the options of a command.");
  return finish(page);
}

function blankPage(columns: number | undefined): Argv {
  return yargs([])
    .scriptName('tsbuild')
    .locale('en')
    .help(false)
    .version(false)
    .wrap(Math.min(columns ?? WIDEST, WIDEST));
}

function addOptions(page: Argv, table: OptionTable, group: string): void {
  for (const [name, spec] of Object.entries(table)) {
    if (spec.later !== true && spec.describe !== '') page.option(name, { ...optionHelp(spec), group });
  }
}

function optionHelp(spec: OptionSpec): Options {
  const value =
    spec.placeholder === undefined ? '' : `${spec.bare === undefined ? spec.placeholder : `[=${spec.placeholder}]`}  `;
  return {
    describe: `${value}${spec.describe}${spec.kind === 'list' ? ' (may be repeated)' : ''}`,
    // The type labels of yargs say less than our placeholders: only flags and choices keep them.
    ...(spec.short === undefined ? {} : { alias: spec.short }),
    ...(spec.choices === undefined ? {} : { choices: spec.choices }),
  };
}

async function finish(page: Argv): Promise<string> {
  return `${(await page.getHelp()).trimEnd()}\n`;
}
