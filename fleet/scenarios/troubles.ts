import type { PlannedFault } from '../proxy/fault-plan.ts';

/** A way in which a registry is not well. */
export interface Trouble {
  readonly name: string;
  readonly rules: readonly PlannedFault[];
  /** Whether it is worth its time in the short form. */
  readonly isQuick?: true;
  /** Nothing can be had: the breaker must open, and then nothing is asked any more. */
  readonly isTotal?: true;
}

/** Everything of these concerns the cache's repository alone: without its base image no build succeeds. */
const repository = /-cache$/;

const status = (code: number, more: Omit<PlannedFault, 'fault'> = {}, headers = {}): PlannedFault => ({
  ...more,
  repository,
  fault: { kind: 'status', status: code, headers },
});

/** What §8 of the list of scenarios names: too many requests, defects, expired tokens, slowness, silence, cuts. */
export const TROUBLES: readonly Trouble[] = [
  {
    name: '429 twice, Retry-After 1',
    rules: [status(429, { times: 2 }, { 'Retry-After': '1' })],
    isQuick: true,
  },
  { name: '429 always, Retry-After 30', rules: [status(429, {}, { 'Retry-After': '30' })], isTotal: true },
  {
    name: '429 always, Retry-After 3600',
    rules: [status(429, {}, { 'Retry-After': '3600' })],
    isTotal: true,
  },
  { name: '10 % are 503', rules: [status(503, { percent: 10 })] },
  { name: 'all are 500', rules: [status(500)], isTotal: true, isQuick: true },
  { name: '401 after the third request', rules: [status(401, { skip: 3 })] },
  {
    name: 'bodies at 10 KB/s',
    rules: [{ repository, method: /^GET$/, fault: { kind: 'trickle', bytes: 1024, everyMilliseconds: 100 } }],
  },
  {
    name: 'bodies byte by byte',
    rules: [{ repository, method: /^GET$/, fault: { kind: 'trickle', bytes: 1, everyMilliseconds: 50 } }],
  },
  { name: 'silence', rules: [{ repository, fault: { kind: 'silence' } }], isTotal: true },
  {
    name: 'every connection is reset',
    rules: [{ repository, fault: { kind: 'reset' } }],
    isTotal: true,
  },
  { name: '20 % of connections are reset', rules: [{ repository, percent: 20, fault: { kind: 'reset' } }] },
  {
    name: 'every third answer to a PUT is lost',
    rules: [{ repository, method: /^PUT$/, percent: 33, fault: { kind: 'lose-answer' } }],
    isQuick: true,
  },
  {
    name: 'manifests end too early',
    rules: [{ repository, method: /^GET$/, kind: /manifest/, fault: { kind: 'truncate', after: 100 } }],
    isQuick: true,
  },
  {
    name: 'blobs end too early',
    rules: [{ repository, method: /^GET$/, kind: /blob/, fault: { kind: 'drop', after: 50 } }],
  },
  {
    name: 'one byte of each blob is another',
    rules: [{ repository, method: /^GET$/, kind: /blob/, fault: { kind: 'flip', at: 30 } }],
  },
];
