import { catalog } from '../../packages/cli/src/commands/catalog.ts';
import type { Command } from '../../packages/cli/src/grammar/command.ts';
import { globalOptions, type OptionSpec, type OptionTable } from '../../packages/cli/src/grammar/options.ts';

/** The commands of each part of the page; one that is in none of them comes under the last. */
const GROUPS: Readonly<Record<string, (name: string) => boolean>> = {
  'Building images': (name) => /^(?:build|builds .*)$/.test(name),
  Images: (name) => /^(?:images|inspect|history|layers|explore|tag|rmi|save|load|import|image .*)$/.test(name),
  Registries: (name) => /^(?:pull|push|login|logout)$/.test(name),
  'The build cache': (name) => name.startsWith('cache '),
  Containers: (name) =>
    /^(?:run|create|ps|logs|exec|attach|start|stop|restart|pause|unpause|kill|wait|rm|commit|diff|cp|export|rename|port|top|container .*)$/.test(
      name,
    ),
  Volumes: (name) => name.startsWith('volume '),
  'The store and the machine': () => true,
};

const INTRODUCTION = `# Commands

Made by \`npm run reference\` from the tables that the program itself reads: do not edit. \`tsbuild COMMAND --help\` prints the same.
Docker's noun forms work too: \`tsbuild image ls\` is \`tsbuild images\`, \`tsbuild container run\` is \`tsbuild run\`. Exit codes are 0, 1 for a failure and 2
for a wrong command line; [errors.md](errors.md) explains each error.
`;

/** docs/cli.md: every command with its options, from the tables of the command line. */
export async function cliPage(): Promise<string> {
  const parts = [INTRODUCTION, '## Options of every command\n', optionTable(globalOptions)];
  const rest = new Set(Object.keys(catalog));
  for (const [title, belongs] of Object.entries(GROUPS)) {
    const names = [...rest].filter(belongs);
    if (names.length > 0) parts.push(`## ${title}\n`);
    for (const name of names) {
      rest.delete(name);
      const command = await catalog[name]?.load();
      if (command !== undefined) parts.push(commandPart(command));
    }
  }
  return parts.join('\n');
}

function commandPart({ name, synopsis, summary, options, examples }: Command): string {
  const table = optionTable(options);
  const width = Math.max(...examples.map(([line]) => line.length));
  const shown = examples.map(([line, what]) => `${line.padEnd(width)}  # ${what}`).join('\n');
  const usage = ['tsbuild', name, ...(table === '' ? [] : ['[OPTIONS]']), ...(synopsis === '' ? [] : [synopsis])].join(
    ' ',
  );
  return [
    `### tsbuild ${name}\n`,
    `${escaped(summary)}.\n`,
    `\`\`\`text\n${usage}\n\`\`\`\n`,
    ...(table === '' ? [] : [table]),
    ...(shown === '' ? [] : [`\`\`\`sh\n${shown}\n\`\`\`\n`]),
  ].join('\n');
}

function optionTable(table: OptionTable): string {
  const shown = Object.entries(table).filter(([, { later, describe }]) => later !== true && describe !== '');
  if (shown.length === 0) return '';
  const rows = shown.map(([name, spec]) => `| ${optionName(name, spec)} | ${optionText(spec)} |`);
  return `| option | meaning |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function optionName(name: string, { short, placeholder, bare }: OptionSpec): string {
  const value = placeholder === undefined ? '' : bare === undefined ? ` ${placeholder}` : `[=${placeholder}]`;
  return `\`${short === undefined ? '' : `-${short}, `}--${name}${value.replaceAll('|', '\\|')}\``;
}

function optionText({ describe, kind, choices, on }: OptionSpec): string {
  const notes = [
    ...(choices === undefined ? [] : [`one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`]),
    ...(kind === 'list' ? ['may be repeated'] : []),
    ...(on === true ? ['on unless told otherwise'] : []),
  ];
  return `${escaped(describe)}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`;
}

/** Text in which Markdown sees nothing of its own. */
function escaped(text: string): string {
  return text.replaceAll(/[\\<>*|[\]`]/g, '\\$&');
}
