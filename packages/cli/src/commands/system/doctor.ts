import { existsSync } from 'node:fs';
import type { MachineFact, MachineReport, PlatformReport } from '@tsbuild/builder';
import { dockerConfigPath } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { POD } from './pod-manifest.ts';
import { sanitizeText } from '../../output/sanitize.ts';

/** `tsbuild doctor`: whether RUN works here, how well, and what would help. */
export const doctorCommand = defineCommand({
  name: 'doctor',
  synopsis: '',
  summary: 'Report what this machine supports and what is missing',
  options: {
    format: { kind: 'value', placeholder: 'FORMAT', describe: 'text or json' },
    pod: { kind: 'flag', describe: 'Print a Kubernetes pod in which everything works' },
  },
  operands: { min: 0, max: 0, what: 'no operands' },
  examples: [
    ['tsbuild doctor', 'Exit code 0 when RUN works here'],
    ['tsbuild doctor --format json', 'The same for programs'],
    ['tsbuild doctor --pod | kubectl apply -f -', 'A pod that may run everything (docs/ci.md)'],
  ],
  async run({ options, settings }, host) {
    const format = options.format ?? 'text';
    if (format !== 'text' && format !== 'json') {
      throw new UsageError(`invalid --format ${JSON.stringify(format)}: text or json`, { command: 'doctor' });
    }
    if (options.pod) {
      host.stdout.write(POD);
      return EXIT_OK;
    }
    const { examineEmulation, examineMachine } = await import('@tsbuild/builder');
    const found = await examineMachine(settings.root);
    const platforms = found.canRun ? await examineEmulation(settings.root) : [];
    const report = { ...found, facts: [...found.facts, ...network(host)], platforms };
    host.stdout.write(format === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : rendered(report));
    return report.canRun ? EXIT_OK : EXIT_FAILED;
  },
});

/** Proxies and credentials; no password is shown. */
function network({ env }: Host): readonly MachineFact[] {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
  const proxies = names.filter((name) => (env[name] ?? '') !== '');
  const shown = proxies.map((name) => `${name}=${(env[name] ?? '').replace(/\/\/[^/@]*@/, '//xxxxx:xxxxx@')}`);
  const config = dockerConfigPath(env);
  return [
    { name: 'proxies', state: 'ok', detail: shown.length === 0 ? 'none' : shown.join(' ') },
    {
      name: 'registries',
      state: 'ok',
      detail: existsSync(config) ? `credentials in ${config}` : 'no credentials (tsbuild login)',
    },
  ];
}

const WORDS = { ok: 'ok', missing: 'MISSING', note: 'note' } as const;

type Report = MachineReport & { readonly platforms: readonly PlatformReport[] };

function rendered({ facts, modes, level, canRun, platforms }: Report): string {
  const width = Math.max(...facts.map(({ name }) => name.length));
  const lines = facts.flatMap(({ name, state, detail, hint }) => [
    `${WORDS[state].padEnd(8)} ${name.padEnd(width)}  ${detail}`,
    ...(hint === undefined ? [] : [`${' '.repeat(11 + width)}${hint}`]),
  ]);
  const ways = modes.flatMap(({ name, works, lacks }) => [
    `${(works ? 'works' : 'no').padEnd(8)} ${name}`,
    ...lacks.map((what) => `${' '.repeat(11)}${works ? 'lacks ' : ''}${what}`),
  ]);
  const best = modes.find(({ works }) => works);
  const asked = best === undefined ? '' : ' RUN works only with --isolation chroot, which is no sandbox.';
  const end = canRun
    ? `RUN works here: ${best?.name ?? ''}.`
    : `RUN does not work here. Dockerfiles without RUN (COPY, ADD, WORKDIR and all the rest) still build.${asked}`;
  const place = [
    `${level.level === undefined ? 'Rights' : `Level ${level.level} (docs/ci.md)`}: ${level.name}.`,
    `${' '.repeat(11)}builds ${level.allows}`,
    ...level.missing.map((what) => `${' '.repeat(11)}missing ${what}`),
  ];
  return `${[...lines, '', 'Ways to run commands; the first one that works is used:', ...ways, ...platformLines(platforms), '', ...place, '', end].map(sanitizeText).join('\n')}\n`;
}

const RUNS = {
  native: () => 'runs',
  machine: (emulator: string) => `runs, emulated by ${emulator} (binfmt_misc of this machine)`,
  private: (emulator: string) => `runs, emulated by ${emulator} (registered for each build alone)`,
} as const;

/** One line for each platform that RUN works for; the others by their reasons, which are mostly the same. */
function platformLines(platforms: readonly PlatformReport[]): readonly string[] {
  if (platforms.length === 0) return [];
  const width = Math.max(...platforms.map(({ platform }) => platform.length));
  const runs = platforms.flatMap(({ platform, kind, detail }) =>
    kind === 'not' ? [] : [`works    ${platform.padEnd(width)}  ${RUNS[kind](detail)}`],
  );
  const others = platforms
    .filter(({ kind }) => kind === 'not')
    .map(({ detail, ...other }) => ({ ...other, why: detail.replace(/qemu-\w+-static/, 'qemu-ARCH-static') }));
  const reasons = [...new Set(others.map(({ why }) => why))].flatMap((why) => {
    const alike = others.filter((other) => other.why === why);
    const hints = [...new Set(alike.flatMap(({ hint }) => hint ?? []))];
    return [
      `no       ${alike.map(({ platform }) => platform).join(', ')}`,
      ...[why, ...hints].map((text) => `${' '.repeat(11)}${text}`),
    ];
  });
  return ['', 'Platforms that RUN works for:', ...runs, ...reasons];
}
