// The table of results, and its place in bench/README.md.
import { EARLIER } from './builders.mjs';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { median } from './measure.mjs';

const BEGIN = '<!-- results: written by npm run bench -- --write -->';
const END = '<!-- end of results -->';

const seconds = (value) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`);

/** What was measured where: no names and paths of the machine. */
export function machineFacts({ builders, rounds, scale, mounted, env }) {
  const version = (command, ...args) => {
    try {
      return execFileSync(command, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return 'unknown';
    }
  };
  const names = builders.map(({ name }) => name);
  const facts = [
    `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release().replace(/-.*/, '')}`,
    mounted ? 'ext4 with a journal in an image' : 'the file system of the temporary folder',
    `Node ${process.version}`,
  ];
  if (names.includes('BuildKit') || names.includes('docker classic')) {
    facts.push(`Docker ${version('docker', 'version', '-f', '{{.Server.Version}}')}`);
  }
  if (names.includes('buildah')) facts.push(version('buildah', '--version').replace(/ \(.*/, ''));
  return `${facts.join(', ')}; medians of ${rounds} rounds${scale === 1 ? '' : `, scale ${scale}`}.`;
}

/** The table in Markdown. `results`: row → contender → samples. */
export function table(rows, results) {
  const peers = [EARLIER, 'BuildKit', 'docker classic', 'buildah'].filter((name) =>
    rows.some(({ id }) => results.get(id)?.has(name)),
  );
  const head = ['work', 'tsbuild', 'measured against', 'ratio', 'aim', 'met', 'peak memory', ...peers];
  const lines = [
    head,
    head.map(() => '---'),
    ...rows.map((row) => lineOf(row, results, peers)).filter((line) => line !== undefined),
  ];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

function lineOf(row, results, peers) {
  const samples = results.get(row.id);
  const ours = samples?.get('tsbuild');
  if (ours === undefined) return undefined;
  const middle = (name) => {
    const of = samples.get(name);
    return of === undefined ? '–' : seconds(median(of.map((sample) => sample.seconds)));
  };
  const memory = Math.max(...ours.map(({ megabytes }) => megabytes));
  const other =
    row.against === undefined ? undefined : (samples.get(row.against) ?? results.get(row.against)?.get('tsbuild'));
  // A ratio of each round, then their median: what disturbs a round disturbs both.
  const ratios = ours.map(({ seconds: value }, i) => value / (other?.[i]?.seconds ?? Number.NaN));
  const value = row.perStep === undefined ? median(ratios) : (median(ours.map((s) => s.seconds)) * 1000) / row.perStep;
  const unit = row.perStep === undefined ? '×' : row.perStep === 1 ? 'ms' : 'ms a step';
  const shown = `${value.toFixed(unit === '×' ? 2 : 0)} ${unit}`;
  const aim = `≤ ${row.aim} ${unit}`;
  const against =
    row.perStep === undefined
      ? `${row.what ?? row.against} (${seconds(median(other?.map((s) => s.seconds) ?? [Number.NaN]))})`
      : '–';
  const met = value <= row.aim && memory <= 200 ? 'yes' : 'no';
  return [row.title, middle('tsbuild'), against, shown, aim, met, `${memory.toFixed(0)} MB`, ...peers.map(middle)];
}

/** Puts the table between the markers of a document. @throws Error when they are missing */
export function writeBetweenMarkers(path, text) {
  const document = readFileSync(path, 'utf8');
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${path} has no markers for the results`);
  writeFileSync(path, `${document.slice(0, from + BEGIN.length)}\n\n${text}\n\n${document.slice(to)}`);
}
