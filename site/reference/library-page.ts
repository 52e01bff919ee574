import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What each program of a directory of examples does, as a heading; the order is that of the page. */
const TASKS = {
  'examples/oci/01-inspect.mjs': 'Inspect an image in a registry',
  'examples/oci/07-extract-file.mjs': 'Extract one file',
  'examples/oci/08-flatten.mjs': 'Write all files of an image into one tar',
  'examples/oci/09-diff.mjs': 'Compare two images',
  'examples/oci/11-validate.mjs': 'Check an image',
  'examples/oci/02-pull.mjs': 'Pull into an OCI layout',
  'examples/oci/04-copy.mjs': 'Copy between registries',
  'examples/oci/05-load-archive.mjs': 'Read an archive of docker save',
  'examples/oci/06-save-archive.mjs': 'Write an archive for docker load',
  'examples/oci/14-save-platforms.mjs': 'Save all platforms as one archive',
  'examples/oci/03-add-layer.mjs': 'Add a layer and a label, and push',
  'examples/oci/12-rebase.mjs': 'Move an image to a new base',
  'examples/oci/10-build-index.mjs': 'Make an image for several platforms',
  'examples/oci/13-attach.mjs': 'Attach an SBOM',
  'examples/builder/01-build-and-export.mjs': 'Build from a Dockerfile',
} as const;

const INTRODUCTION = `# The library by task

Made by \`npm run reference\` from the programs of [examples](../examples/oci), which tests run: do not edit. Each is whole: copy it, and run it as its first
line says. \`npm install @tsbuild/oci\` is all that the first fourteen need; the [README of @tsbuild/oci](../packages/oci/README.md) explains the terms,
[api/oci.md](api/oci.md) lists every export.
`;

/** docs/library.md: the programs of the examples, word for word. @throws if a program has no heading here */
export function libraryPage(project: string): string {
  const programs = ['examples/oci', 'examples/builder'].flatMap((directory) =>
    readdirSync(join(project, directory)).map((name) => `${directory}/${name}`),
  );
  const unknown = programs.filter((path) => !Object.hasOwn(TASKS, path));
  if (unknown.length > 0) throw new Error(`site/reference/library-page.ts has no heading for ${unknown.join(', ')}`);
  const parts = Object.entries(TASKS).map(([path, task]) =>
    taskPart(task, path, readFileSync(join(project, path), 'utf8')),
  );
  return [INTRODUCTION, ...parts].join('\n');
}

/** The comment at the top of a program is what the page says of it. */
function taskPart(task: string, path: string, text: string): string {
  const lines = text.split('\n').filter((line) => !line.startsWith('#!') && line !== '// @ts-check');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  const comment = lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, ''));
  const usage = comment.filter((line) => line.startsWith('  '));
  const prose = comment.filter((line) => line !== '' && !line.startsWith('  ')).join(' ');
  const code = lines.slice(end).join('\n').trim();
  return `## ${task}\n\n${prose}\n\n${usage.map((line) => `    ${line.trim()}\n`).join('')}\n\`\`\`js\n${code}\n\`\`\`\n\n[${path}](../${path})\n`;
}
