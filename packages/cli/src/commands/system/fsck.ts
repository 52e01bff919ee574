import {
  type CheckedFinding,
  checkStore,
  needsUserNamespace,
  runInUserNamespace,
  type StoreCheck,
  storePath,
} from '@tsbuild/builder';
import { existsSync } from 'node:fs';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';

/** `tsbuild fsck`: is everything in the store what it should be? */
export const fsckCommand = defineCommand({
  name: 'fsck',
  synopsis: '',
  summary: 'Check the store: every blob, image, cache record and unpacked layer; exit code 1 when something is damaged',
  options: {
    repair: {
      kind: 'flag',
      describe: 'Repair what can be repaired without losing data, and remove leftovers of killed processes',
    },
    'remove-images': { kind: 'flag', describe: 'With --repair: also remove incomplete images' },
    quick: { kind: 'flag', describe: 'Verify sizes only, without reading layers' },
    format: { kind: 'value', placeholder: 'FORMAT', describe: 'text, or json (one document)' },
  },
  operands: { min: 0, max: 0, what: '' },
  examples: [
    ['tsbuild fsck', 'Check everything; changes nothing'],
    ['tsbuild fsck --repair', 'Repair: damaged blobs are set aside, bad records dropped, leftovers removed'],
    ['tsbuild fsck --repair --remove-images', 'Also remove images that no longer have all their layers'],
  ],
  async run({ options, settings }, host) {
    const { repair, quick, 'remove-images': removeImages, format = 'text' } = options;
    if (format !== 'text' && format !== 'json') {
      throw new UsageError(`--format ${format}: expected text or json`, { command: 'fsck' });
    }
    if (removeImages && !repair) {
      throw new UsageError('--remove-images requires --repair', { command: 'fsck' });
    }
    // Unpacked layers belong to ids that an ordinary user has in a user namespace only.
    if (needsUserNamespace() && hasForeignFiles(settings.root)) return runInUserNamespace(host.commandLine, () => {});
    const check = await checkStore(settings.root, { quick, repair, removeImages }, host.signal);
    const damaged = check.findings.filter(isDamage).length;
    if (format === 'json') {
      const { findings, ...counts } = check;
      host.stdout.write(`${JSON.stringify({ clean: damaged === 0, ...counts, findings })}\n`);
    } else host.stdout.write(report(check, repair));
    return damaged === 0 ? EXIT_OK : EXIT_FAILED;
  },
});

function hasForeignFiles(root: string): boolean {
  return (['snapshots', 'mounts', 'cache-mounts'] as const).some((name) => existsSync(storePath(root, name)));
}

/** Damage that is (still) there. */
function isDamage({ severity, outcome }: CheckedFinding): boolean {
  return outcome === 'failed' || (severity === 'damaged' && outcome !== 'repaired');
}

function report(check: StoreCheck, repair: boolean): string {
  const lines = check.findings.map(({ severity, path, message, outcome, action }) => {
    const what = `${sanitizeText(path)}: ${sanitizeText(message)}`;
    if (outcome === 'found') return `${severity}: ${what}`;
    if (outcome === 'lost') return `${severity}: ${what} (a new build or pull brings it back)`;
    return `${outcome === 'failed' ? 'NOT repaired' : 'repaired'}: ${what} (${sanitizeText(action ?? '')})`;
  });
  return `${[...lines, summary(check, repair)].join('\n')}\n`;
}

function summary({ findings, images, records, snapshots, cacheMounts }: StoreCheck, repair: boolean): string {
  const looked = [
    counted(images, 'image'),
    counted(records, 'cache record'),
    counted(snapshots, 'unpacked layer'),
    counted(cacheMounts, 'cache mount'),
  ].join(', ');
  const damaged = findings.filter(isDamage);
  const litter = findings.filter(({ severity, outcome }) => severity === 'litter' && outcome === 'found').length;
  const left =
    litter === 0
      ? ''
      : ` ${counted(litter, 'leftover')} of killed processes: fsck --repair or cache prune removes them.`;
  if (damaged.length === 0) return `The store is whole: ${looked}.${left}`;
  const lost = damaged.some(({ kind }) => kind === 'image');
  const advice = repair
    ? lost
      ? ' Build or pull those images again, or remove them with --repair --remove-images.'
      : ''
    : ' "tsbuild fsck --repair" repairs as much as possible.';
  return `${counted(damaged.length, 'thing')} damaged; looked at ${looked}.${advice}${left}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
