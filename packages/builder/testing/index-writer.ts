import { BuildRecords } from '../src/explain/build-records.ts';
import { StepIndex } from '../src/explain/step-index.ts';

/** A process that writes explanations without end: `node index-writer.mjs DIRECTORY NUMBER`. */
const [directory = '', number = '0'] = process.argv.slice(2);
const digest = (i: number): `sha256:${string}` => `sha256:${`${number}${i}`.padStart(64, '0')}`;
const index = new StepIndex(`${directory}/explain`, '/Dockerfile');
const builds = new BuildRecords(`${directory}/builds`);
process.stdout.write('ready\n');
for (let i = 0; ; i++) {
  const step = { operation: 'run', source: 'RUN make', keys: [digest(i)] };
  index.rememberStage('stage-0', [step, { ...step, source: `RUN ${'x'.repeat(20_000)}` }]);
  index.rememberText(step);
  const id = `${number}${i}`.padStart(12, '0');
  const asked = { project: '/Dockerfile', names: [], platforms: [], arguments: {} };
  builds.put({
    version: 2,
    id,
    started: i,
    outcome: 'failed',
    dockerfile: 'x'.repeat(20_000),
    ...asked,
    steps: [],
    phases: [],
  });
}
