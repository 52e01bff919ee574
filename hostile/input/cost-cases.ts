import { gzipSync } from 'node:zlib';
import { makeTar, paxHeader } from '../../packages/oci/testing/make-tar.ts';
import type { RawMember } from '../../packages/oci/testing/make-tar.ts';
import { buildCase } from './build-case.ts';
import { demand } from './case.ts';
import type { HostileCase } from './case.ts';
import { layerCase } from './layer-case.ts';

const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('');

const DOCKERFILES: readonly HostileCase[] = [
  buildCase('D20', '700 stages, each on the one before', `FROM scratch AS s0\n${lines(700, (at) => `FROM s${at} AS s${at + 1}\nENV x${at}=1\n`)}`, {
    check: ({ image }) => demand('layers', image.layers.length, 0),
  }),
  buildCase('D20', '12,000 stages, each on the one before', `FROM scratch AS s0\n${lines(12_000, (at) => `FROM s${at} AS s${at + 1}\nENV x${at}=1\n`)}`, {
    refused: /inherit more than/,
  }),
  buildCase('D20', 'variables that double', `FROM scratch\nENV a0=${'A'.repeat(1000)}\n${lines(40, (at) => `ENV a${at + 1}=$a${at}$a${at}\n`)}`, {
    refused: /produce more than/,
  }),
  buildCase('D20', 'variables that grow', `FROM scratch\nENV a=${'A'.repeat(60_000)}\n${lines(3000, (at) => `ENV b${at}=$a$a$a$a$a$a$a$a\n`)}`, {
    refused: /total more than/,
  }),
  buildCase('D20', 'patterns that take exponential time', `FROM scratch\nENV a=${'a'.repeat(2000)}\n${'ENV b=${a//*a*a*a*a*a*a*a*b/x}\n'.repeat(20_000)}`, {
    refused: /take too long/,
  }),
  buildCase('D20', 'ports by the thousands, again and again', `FROM scratch\n${'EXPOSE 1-65535 1-65535/udp\n'.repeat(3000)}`, {
    refused: /inherit more than/,
  }),
  buildCase('D20', 'directories in each other', `FROM scratch\n${'WORKDIR directory\n'.repeat(20_000)}`, {
    refused: /WORKDIR results in a path of/,
  }),
]; // biome-ignore format: one case a line

const NAME = `${'n'.repeat(250)}/`.repeat(15);
const LONG = Buffer.from('v'.repeat(60_000));

/** In a row that begins with a cheaper case, the only one that the tests try. Many times one sort of entry, compressed: what comes over the network is small. */
const many = (count: number, entry: (at: number) => readonly RawMember[]): Uint8Array =>
  gzipSync(makeTar(Array.from({ length: count }, (_, at) => entry(at)).flat()), { level: 1 });

const LAYERS: readonly HostileCase[] = [
  layerCase('A14', 'names that fill the memory', () => [many(75_000, (at) => [paxHeader({ path: `${NAME}${at}` }), { name: 'x' }])], {
    refused: /take more than [^,]+, the limit for one layer/,
    alone: true,
  }),
  layerCase('A14', 'attributes that fill the memory', () => [many(4700, (at) => [paxHeader({ 'SCHILY.xattr.user.a': LONG }), { name: `x${at}` }])], {
    refused: /take more than [^,]+, the limit for one layer/,
    alone: true,
  }),
]; // biome-ignore format: one case a line

/** Small files that are dear to read. */
export const COST_CASES: readonly HostileCase[] = [...DOCKERFILES, ...LAYERS];
