import { gzipSync } from 'node:zlib';
import { gnuLong, makeTar, paxHeader } from '../../packages/oci/testing/make-tar.ts';
import type { HostileCase } from './case.ts';
import { dir, file, hardlink, layerCase, symlink } from './layer-case.ts';

const smuggled = makeTar([{ name: 'smuggled' }], { end: false });
const after = file('after', { content: '' });
const cut = (bytes: Uint8Array, keep: number): Uint8Array => bytes.subarray(0, keep);
const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const STRICT = 'Go ignores what it cannot read here; tsbuild refuses it';

/** Layers that mean different things to different readers, or want to break one. */
export const LAYER_LIES: readonly HostileCase[] = [
  layerCase(
    'A12',
    'CVE-2025-62518: a PAX size beside the size of the header',
    () => [[paxHeader({ size: String(smuggled.length) }), { name: 'outer', size: 0, content: smuggled }, after]],
    { paths: ['outer', 'after'] },
  ),
  layerCase(
    'A13',
    'CVE-2026-53655: PAX records before a GNU long name',
    () => [[paxHeader({ mtime: '5' }), gnuLong('L', 'lname'), file('short'), after]],
    { paths: ['lname', 'after'] },
  ),
  layerCase(
    'A13',
    'CVE-2026-53655: a PAX size before a GNU long name',
    () => [[paxHeader({ size: '0' }), gnuLong('L', 'lname'), { name: 'short', size: 512, content: smuggled }, after]],
    { paths: ['lname', 'smuggled', 'after'] },
  ),
  layerCase('A14', 'a NUL in a PAX path', () => [[paxHeader({ path: 'a\0b' }), after]], { refused: /NUL byte/ }),
  layerCase('A14', 'GHSA-w8wr-v893-vjvp: a number as a PAX path', () => [[paxHeader({ path: '1234' }), file('x')]], {
    paths: ['1234'],
  }),
  layerCase('A14', 'GHSA-8x88-wwhh-wrhc: a negative PAX size', () => [[paxHeader({ size: '-1' }), after]], {
    refused: /PAX size/,
  }),
  layerCase('A14', 'a wrong PAX record length', () => [[{ name: 'x', type: 'x', content: '999 path=a\n' }, after]], {
    refused: /wrong length/,
  }),
  layerCase('A14', 'a 64 MiB PAX header', () => [[{ name: 'x', type: 'x', size: 64 * 1024 * 1024 }]], {
    refused: /over the limit/,
  }),
  layerCase('A14', 'a time that is no number', () => [[paxHeader({ mtime: 'NaN' }), after]], {
    refused: /time is not a number/,
  }),
  layerCase(
    'A14',
    'a PAX value with a newline smuggles no record',
    () => [[paxHeader({ 'SCHILY.xattr.user.x': 'a\n17 path=etc/evil' }), file('harmless')]],
    { paths: ['harmless'] },
  ),
  layerCase('A15', 'a negative size', () => [[{ name: 'evil', size: -1 }]], { refused: /negative/ }),
  layerCase(
    'A15',
    'a size of 2^63-1',
    () => [[{ name: 'evil', raw: { 124: '\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff' } }]],
    { refused: /size/ },
  ),
  layerCase('A15', 'a file that is cut', () => [makeTar([{ name: 'evil', size: 1e9, content: 'x' }])], {
    refused: /unexpected end/,
  }),
  layerCase('A15', 'a header that is cut', () => [cut(makeTar([file('a'), file('b')]), 1300)], {
    refused: /unexpected end|cut|not a whole/,
  }),
  layerCase('A15', 'a wrong checksum', () => [[file('evil', { broken: { 0: 'y' } })]], { refused: /checksum/ }),
  layerCase('A15', 'garbage', () => [Buffer.alloc(2048, 'garbage ')], { refused: /checksum|not a/ }),
  layerCase(
    'A16',
    'CVE-2025-58183: an old GNU sparse map',
    () => [[{ name: 'sp', type: 'S', format: 'gnu', size: 1024, content: 'x' }]],
    { refused: /sparse/ },
  ),
  layerCase(
    'A16',
    'CVE-2026-32288: a PAX sparse map',
    () => [
      [
        paxHeader({
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 'sp',
          'GNU.sparse.realsize': '1048576',
        }),
        file('sp', { content: '1\n0\n0\n'.padEnd(512, '\0') }),
      ],
    ],
    { paths: ['sp'] },
  ),
  layerCase(
    'A16',
    'a sparse file of terabytes',
    () => [
      [
        paxHeader({
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 'sp',
          'GNU.sparse.realsize': '9000000000000',
        }),
        file('sp', { content: '1\n0\n0\n'.padEnd(512, '\0') }),
      ],
    ],
    // containerd writes the zeros of the hole.
    { refused: /more than \d+ bytes/, alone: true },
  ),
  layerCase('A20', 'a name of 256 bytes', () => [[gnuLong('L', 'n'.repeat(256)), file('x')]], {
    refused: /more than 255 bytes/,
  }),
  layerCase('A20', 'a path of 4,200 bytes', () => [[gnuLong('L', 'n/'.repeat(2100).concat('x')), file('x')]], {
    refused: /more than 4095 bytes/,
  }),
  layerCase('A20', 'folders 1,500 deep', () => [[gnuLong('L', 'd/'.repeat(1500)), dir('x')]]),
  layerCase('A21', 'names that are no UTF-8, and control characters', () => [
    [file('\xff\xfe'), file('new\nline'), file('\x1b]0;evil\x07'), file('back\\slash')],
  ]),
  layerCase(
    'A21',
    'CVE-2026-23950: names that differ in case or form only',
    () => [[file('Evil'), file('evil'), file('h\xc3\xa9'), file('he\xcc\x81')]],
    { paths: ['Evil', 'evil', 'h\u00e9', 'he\u0301'] },
  ),
  layerCase(
    'A22',
    'owners beyond 2^21, and up to 2^32-2',
    () => [[file('evil', { uid: 4_294_967_294, gid: 3_000_000 })]],
    { paths: ['evil'] },
  ),
  layerCase('A22', 'an owner beyond 32 bits', () => [[paxHeader({ uid: '4294967296' }), file('evil')]], {
    refused: /uid 4294967296/,
    differs: STRICT,
  }),
  layerCase('A22', 'a setuid program of another owner', () => [[file('evil', { mode: 0o6755, uid: 1234 })]], {
    paths: ['evil'],
  }),
  layerCase(
    'A22',
    'a capability',
    () => [
      [
        paxHeader({
          'SCHILY.xattr.security.capability': Uint8Array.of(
            1,
            0,
            0,
            2,
            0,
            0x20,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
          ),
        }),
        file('evil', { mode: 0o755 }),
      ],
    ],
    { paths: ['evil'] },
  ),
  layerCase('A23', 'a path twice', () => [[file('evil', { content: '1' }), file('evil', { content: '2' })]], {
    paths: ['evil'],
  }),
  layerCase('A23', 'a file, then a folder in its place', () => [[file('evil'), dir('evil'), file('evil/a')]], {
    paths: ['evil', 'evil/a'],
  }),
  layerCase('A23', 'a folder, then a file in its place', () => [[dir('evil'), file('evil/a'), file('evil')]], {
    paths: ['evil'],
  }),
  layerCase('A23', 'a file below a file', () => [[file('evil'), file('evil/a')]], { refused: /below a file/ }),
  layerCase('A23', 'a whiteout after the file that it removes', () => [[file('evil'), file('.wh.evil')]], {
    refused: /whiteout/,
    differs: 'containerd removes the file, other engines keep it: such layers are refused',
  }),
  layerCase(
    'A24',
    'data after the end of the archive',
    () => [concat(makeTar([file('evil')]), makeTar([file('hidden')]))],
    { paths: ['evil'] },
  ),
  layerCase('A24', 'an archive without an end', () => [makeTar([file('evil')], { end: false })], { paths: ['evil'] }),
  layerCase(
    'A24',
    'a gzip in two parts',
    () => [concat(gzipSync(cut(makeTar([file('evil')]), 512)), gzipSync(makeTar([file('evil')]).subarray(512)))],
    { paths: ['evil'] },
  ),
  layerCase('A25', 'a hard link before its target', () => [[hardlink('evil', 'later'), file('later')]], {
    refused: /hard link whose target/,
  }),
  layerCase('A25', 'a hard link to a folder', () => [[dir('d'), hardlink('evil', 'd')]], {
    refused: /hard link to a directory/,
  }),
  layerCase('A25', 'a hard link to itself', () => [[hardlink('evil', 'evil')]], { refused: /hard link whose target/ }),
  layerCase('A25', 'a hard link into the layer below', () => [[file('lower')], [hardlink('evil', 'lower')]], {
    paths: ['evil', 'lower'],
  }),
  layerCase('A26', 'an unknown kind of member', () => [[file('evil', { type: 'Z' })]], {
    refused: /unknown type flag/,
  }),
  layerCase('A26', 'a volume label', () => [[{ name: 'evil', type: 'V', format: 'gnu' }, file('x')]], {
    refused: /unknown type flag/,
  }),
  layerCase('A26', 'a link without a target', () => [[symlink('evil', '')]], { refused: /without a target/ }),
];
