// What the licences of bundled libraries ask for: their copyright lines and texts go with every copy of the code. Taken from
// what esbuild put into the files, so that libraries of libraries are never forgotten and unused ones are not named.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const RULE = '-'.repeat(80);

/**
 * The notices of everything of node_modules that is in the bundles.
 * @param {string} owner the package that holds the bundles
 * @param {string} root the directory that the paths of the metafiles start from
 * @param {readonly import('esbuild').Metafile[]} metafiles
 * @throws Error when a library comes without a licence: it must not be bundled then
 */
export function noticesOf(owner, root, metafiles) {
  const byText = new Map();
  for (const directory of bundledPackages(metafiles)) {
    const { name, version, license, homepage, text } = readLicence(join(root, directory));
    const title = `${name} ${version} (${license})${homepage === undefined ? '' : `\n${homepage}`}`;
    byText.set(text, [...(byText.get(text) ?? []), title]);
  }
  const parts = [...byText].map(([text, titles]) => `${titles.toSorted().join('\n')}\n\n${text}\n`);
  const first = `${owner} contains code of these libraries, each under its own licence.\n`;
  return [first, ...parts.toSorted()].join(`\n${RULE}\n\n`);
}

/**
 * Directories of the packages that gave at least one byte to an output.
 * @param {readonly import('esbuild').Metafile[]} metafiles
 */
function bundledPackages(metafiles) {
  const inputs = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap((output) => Object.entries(output.inputs));
  const directories = inputs.flatMap(([path, { bytesInOutput }]) => {
    const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path);
    return found === null || bytesInOutput === 0 ? [] : [found[0]];
  });
  return [...new Set(directories)].toSorted();
}

/** @param {string} directory */
function readLicence(directory) {
  const { name, version, license, homepage } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const licences = names.filter((file) => /^(?:licen[cs]e|copying)\b/i.test(file));
  if (licences.length === 0) {
    throw new Error(`${name} ${version} is bundled, but has no file with its licence in ${directory}: leave it out`);
  }
  // Apache-2.0, section 4(d), asks for the text of a NOTICE, too.
  const notices = names.filter((file) => /^notice\b/i.test(file));
  const texts = [...licences.toSorted(), ...notices.toSorted()].map((file) =>
    readFileSync(join(directory, file), 'utf8').replaceAll('\r\n', '\n').trim(),
  );
  return { name, version, license, homepage, text: texts.join('\n\n') };
}
