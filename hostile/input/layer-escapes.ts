import { makeTar, paxHeader } from '../../packages/oci/testing/make-tar.ts';
import type { HostileCase } from './case.ts';
import { dir, file, hardlink, layerCase, symlink } from './layer-case.ts';

const UP = '../'.repeat(24);
const out = (canary: string): string => `${UP}${canary.slice(1)}`;
/** We refuse what containerd cleans: whoever writes `..` into a layer means no good, and docker load refuses it too. */
const DOTS = 'containerd cleans .. out of names; tsbuild refuses such layers, because nobody writes them in good faith';
const NO_DIRECTORY = /has entries below it, but it is a symlink/;
const THROUGH_LINK =
  'containerd follows the link inside of the root; tsbuild refuses entries below a link of a lower layer, as engines disagree';

/** Layers that want to write, link or delete outside of the root. */
export const LAYER_ESCAPES: readonly HostileCase[] = [
  layerCase('A1', 'a file named ../', (c) => [[file(`${out(c)}/evil`)]], { refused: /\.\. component/, differs: DOTS }),
  layerCase('A1', 'a file with .. in the middle', (c) => [[file(`x/../${out(c)}/secret.txt`)]], {
    refused: /\.\. component/,
    differs: DOTS,
  }),
  layerCase('A1', 'a file with an absolute name', (c) => [[file(`${c}/secret.txt`)]]),
  layerCase('A1', 'a file with many slashes', () => [[file('//evil//a')]], { paths: ['evil', 'evil/a'] }),
  layerCase('A2', 'a file through an absolute link (GHSA-5xpf)', (c) => [
    [symlink('evil', c), file('evil/secret.txt')],
  ]),
  layerCase('A2', 'a file through a relative link', (c) => [[symlink('evil', out(c)), file('evil/secret.txt')]]),
  layerCase(
    'A2',
    'a file through a link of the layer below',
    (c) => [[symlink('evil', c)], [file('evil/secret.txt')]],
    { refused: NO_DIRECTORY, differs: THROUGH_LINK },
  ),
  layerCase('A2', 'a file through a chain of links', (c) => [
    [symlink('evil', 'evil2'), symlink('evil2', c), file('evil/secret.txt')],
  ]),
  layerCase(
    'A2',
    'a folder that the next layer makes a link',
    (c) => [[dir('evil'), file('evil/a')], [symlink('evil', c)], [file('evil/secret.txt')]],
    { refused: NO_DIRECTORY, differs: THROUGH_LINK },
  ),
  layerCase('A2', 'a link to the root, and a file of the host through it', (c) => [
    [symlink('evil', '/'), file(`evil${c}/secret.txt`)],
  ]),
  layerCase(
    'A3',
    'CVE-2026-23745: a hard link to an absolute path',
    (c) => [[hardlink('evil', `${c}/secret.txt`), file('evil')]],
    { refused: /hard link whose target/ },
  ),
  layerCase(
    'A3',
    'CVE-2026-24842: a hard link to a path with ..',
    (c) => [[hardlink('evil', `${out(c)}/secret.txt`)]],
    { refused: /hard link whose target/ },
  ),
  layerCase(
    'A3',
    'CVE-2020-10696: a hard link through a linked folder',
    (c) => [[symlink('evil', c), hardlink('evil2', 'evil/secret.txt'), file('evil2')]],
    { refused: /hard link whose target/ },
  ),
  layerCase(
    'A3',
    'a hard link into the layers below, through a link that leads out',
    (c) => [[symlink('evil', out(c))], [hardlink('evil2', 'evil/secret.txt'), file('evil2')]],
    { refused: /hard link whose target/ },
  ),
  layerCase(
    'A4',
    'CVE-2026-26960: a chain of links, and a hard link through it',
    (c) => [[dir('a'), symlink('a/b', out(c)), symlink('c', 'a/b'), hardlink('evil', 'c/secret.txt'), file('evil')]],
    { refused: /hard link whose target/ },
  ),
  layerCase(
    'A5',
    'a hard link to a link, then written',
    (c) => [[symlink('evil', `${c}/secret.txt`), hardlink('evil2', 'evil'), file('evil2')]],
    { paths: ['evil', 'evil2'] },
  ),
  layerCase('A5', 'a hard link to a link, with a mode', (c) => [
    [symlink('evil', `${c}/secret.txt`), { ...hardlink('evil2', 'evil'), mode: 0o777 }],
  ]),
  layerCase('A5', 'a link, then a file in its place', (c) => [[symlink('evil', `${c}/secret.txt`), file('evil')]], {
    paths: ['evil'],
  }),
  layerCase('A6', 'CVE-2021-29136: the root as a link', (c) => [[symlink('.', c)], [file('secret.txt')]], {
    refused: /place of the root/,
    differs:
      'containerd passes over entries that are the root; tsbuild refuses a root that is no folder, as umoci does',
  }),
  layerCase('A6', 'CVE-2021-29136: the root as a link named ./', (c) => [[symlink('./', c), file('secret.txt')]], {
    refused: /place of the root/,
    differs: 'as above: the root as a link',
  }),
  layerCase('A6', 'the root as a file', () => [[file('/')]], {
    refused: /place of the root/,
    differs: 'as above: the root as a file',
  }),
  layerCase('A6', 'the folder above the root as a link', (c) => [[symlink('..', c)], [file('../secret.txt')]], {
    refused: /\.\. component/,
    differs: DOTS,
  }),
  layerCase('A6', 'the root with a mode of its own', () => [[dir('.', { mode: 0o700 }), file('evil')]], {
    paths: ['evil'],
  }),
  layerCase('A7', 'a whiteout through a link', (c) => [[symlink('evil', c)], [file('evil/.wh.secret.txt')]], {
    refused: NO_DIRECTORY,
    differs: THROUGH_LINK,
  }),
  layerCase('A7', 'a whiteout through a link of its own layer', (c) => [
    [symlink('evil', c), file('evil/.wh.secret.txt')],
  ]),
  layerCase('A7', 'an opaque folder through a link', (c) => [[symlink('evil', c)], [file('evil/.wh..wh..opq')]], {
    refused: NO_DIRECTORY,
    differs: THROUGH_LINK,
  }),
  layerCase('A7', 'a whiteout with .. before it', (c) => [[file(`${out(c)}/.wh.secret.txt`)]], {
    refused: /\.\. component/,
    differs: DOTS,
  }),
  layerCase(
    'A7',
    'a whiteout of a link takes the link away, not its target',
    (c) => [[symlink('evil', `${c}/secret.txt`)], [file('.wh.evil')]],
    { paths: [] },
  ),
  layerCase('A8', 'the whiteout .wh. of nothing', () => [[file('.wh.')]], { refused: /\.wh\./ }),
  layerCase('A8', 'the whiteout .wh.. of the folder itself', () => [[dir('evil'), file('evil/.wh..')]], {
    refused: /\.wh\.\./,
  }),
  layerCase('A8', 'the whiteout .wh... of the folder above', () => [[dir('evil'), file('evil/.wh...')]], {
    refused: /\.wh\.\.\./,
  }),
  layerCase(
    'A9',
    'CVE-2021-41089: a folder in place of a link changes no mode of its target',
    (c) => [[symlink('evil', `${c}/folder`), dir('evil', { mode: 0o777, mtime: 1 })]],
    { paths: ['evil'] },
  ),
  layerCase(
    'A9',
    'CVE-2021-41089: the same over two layers',
    (c) => [[symlink('evil', `${c}/folder`)], [dir('evil', { mode: 0o777, uid: 12 })]],
    { paths: ['evil'] },
  ),
  layerCase(
    'A17',
    'a 0:0 device hides a file of the layer below',
    () => [[file('evil')], [{ name: 'evil', type: '3', devMajor: 0, devMinor: 0 }]],
    { refused: /0:0/, differs: 'containerd makes the device, and overlayfs takes it for a whiteout' },
  ),
  layerCase(
    'A17',
    'a disk as a device node',
    () => [[{ name: 'evil', type: '4', devMajor: 8, devMinor: 0, mode: 0o666 }]],
    { paths: ['evil'] },
  ),
  layerCase('A17', 'a fifo', () => [[{ name: 'evil', type: '6' }]], { paths: ['evil'] }),
  layerCase(
    'A18',
    'overlayfs attributes of root: opaque',
    () => [
      [dir('evil'), file('evil/a')],
      [paxHeader({ 'SCHILY.xattr.trusted.overlay.opaque': 'y' }), dir('evil')],
    ],
    { paths: ['evil', 'evil/a'] },
  ),
  layerCase(
    'A18',
    'overlayfs attributes of root: redirect',
    (c) => [[paxHeader({ 'SCHILY.xattr.trusted.overlay.redirect': c }), dir('evil')]],
    { paths: ['evil'] },
  ),
  layerCase(
    'A18',
    'overlayfs attributes of a user namespace',
    () => [
      [dir('evil'), file('evil/a')],
      [paxHeader({ 'SCHILY.xattr.user.overlay.opaque': 'y' }), dir('evil')],
    ],
    { paths: ['evil', 'evil/a'] },
  ),
  layerCase(
    'A26',
    'a path for the whole archive (global PAX header)',
    (c) => [[paxHeader({ path: `${out(c)}/evil` }, 'g'), file('evil')]],
    { paths: ['evil'] },
  ),
  layerCase('A26', 'a PAX path that leads out', (c) => [[paxHeader({ path: `${out(c)}/evil` }), file('evil')]], {
    refused: /\.\. component/,
    differs: DOTS,
  }),
  layerCase(
    'A26',
    'a PAX link target that leads out, on a hard link',
    (c) => [[paxHeader({ linkpath: `${out(c)}/secret.txt` }), hardlink('evil', 'x')]],
    { refused: /hard link whose target/ },
  ),
  layerCase(
    'A1',
    'an archive inside of an archive stays a file',
    (c) => [[file('evil.tar', { content: makeTar([file(`${out(c)}/evil`)]) })]],
    { paths: ['evil.tar'] },
  ),
];
