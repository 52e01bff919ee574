import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '../../packages/oci/src/spec/canonical-json.ts';
import { OciError } from '../../packages/oci/src/spec/oci-error.ts';
import { decodeImageConfig, encodeImageConfig } from '../../packages/oci/src/spec/image-config.ts';
import { decodeImageIndex, selectManifest } from '../../packages/oci/src/spec/image-index.ts';
import { Field } from '../../packages/oci/src/spec/json-document.ts';
import { joinArray, joinObject, setMembers, splitArray, splitObject } from '../../packages/oci/src/spec/json-edit.ts';
import { decodeManifest } from '../../packages/oci/src/spec/manifest.ts';
import { layerCompression } from '../../packages/oci/src/spec/media-type.ts';
import { formatPlatform, parsePlatform, platformFit } from '../../packages/oci/src/spec/platform.ts';
import { familiarName, formatReference, parseReference } from '../../packages/oci/src/spec/reference.ts';
import { dockerCredentials } from '../../packages/oci/src/registry/docker-config.ts';
import { manifestType } from '../../packages/oci/src/registry/manifest-type.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';
import { mutateText } from '../mutate/text.ts';
import { configSeeds, DOCUMENT_NAMES, dockerConfigSeeds, indexSeeds, manifestSeeds } from '../seeds/documents.ts';
import { platformSeeds, referenceSeeds } from '../seeds/words.ts';
import { isRefusal, mustHold, pureTarget } from '../target.ts';
import type { Target } from '../target.ts';

const mutate = mutateJson(DOCUMENT_NAMES);

/** A document of a stranger must not reach what all objects share. */
function mustNotPollute(): void {
  const plain: Record<string, unknown> = {};
  mustHold(
    plain['polluted'] === undefined && Object.keys(Object.prototype).length === 0,
    'Object.prototype has changed',
  );
}

export const manifest = pureTarget('manifest', {
  seeds: () => [...manifestSeeds(), ...indexSeeds()],
  mutate,
  run: (input) => {
    const decoded = decodeManifest(input);
    mustNotPollute();
    let asIndex = true;
    try {
      decodeImageIndex(input);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      asIndex = false;
    }
    mustHold(!asIndex, 'one document is a manifest and an index (CVE-2021-41190)');
    mustHold(manifestType(input, undefined) === decoded.mediaType, 'its type depends on who reads it');
    return `${decoded.mediaType} ${decoded.layers
      .map(({ mediaType }) => layerKind(mediaType))
      .slice(0, 4)
      .join()}`;
  },
});

function layerKind(mediaType: string): string {
  try {
    return String(layerCompression(mediaType));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return 'unknown';
  }
}

export const imageIndex = pureTarget('image-index', {
  seeds: () => [...indexSeeds(), ...manifestSeeds()],
  mutate,
  run: (input) => {
    const decoded = decodeImageIndex(input);
    mustNotPollute();
    const chosen = selectManifest(decoded, { os: 'linux', architecture: 'arm', variant: 'v7' });
    return `${decoded.manifests.length > 3} ${chosen?.platform?.variant ?? ''}`;
  },
});

export const imageConfig = pureTarget('image-config', {
  seeds: configSeeds,
  mutate,
  run: (input) => {
    const decoded = decodeImageConfig(input);
    mustNotPollute();
    const encoded = encodeImageConfig(decoded);
    const again = encodeImageConfig(decodeImageConfig(encoded));
    mustHold(Buffer.compare(encoded, again) === 0, 'encoded, decoded and encoded it is another config');
    return Object.keys(decoded.config ?? {}).length.toString();
  },
});

/** Editing JSON text: what is not named keeps its meaning, and the text stays valid. */
export const jsonEdit = pureTarget('json-edit', {
  seeds: () => [...configSeeds(), ...manifestSeeds()],
  mutate,
  run: (input) => {
    const text = Buffer.from(input).toString('utf8');
    const value = tryParse(input, text);
    if (typeof value !== 'object' || value === null) return 'no object';
    const same = Array.isArray(value) ? joinArray(splitArray(text)) : joinObject(splitObject(text));
    mustHold(sameJson(JSON.parse(same), value), 'split and joined it is another value');
    if (Array.isArray(value)) return 'array';
    const edited = JSON.parse(setMembers(text, { config: { a: 1 }, gone: undefined })) as Record<string, unknown>;
    const { gone: _, ...kept } = value as Record<string, unknown>;
    mustHold(sameJson(edited, { ...kept, config: { a: 1 } }), 'an edit changed something else');
    return 'object';
  },
});

/** What a caller may hand to the editor: documents that were decoded. */
function tryParse(input: Uint8Array, text: string): unknown {
  Field.parse(input, { name: 'document', code: 'MANIFEST_INVALID' });
  return JSON.parse(text);
}

function sameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

export const reference = pureTarget('reference', {
  seeds: referenceSeeds,
  mutate: mutateText([
    '/',
    ':',
    '@',
    '.',
    '-',
    '__',
    'docker.io/',
    'library/',
    'localhost',
    `@sha256:${'0'.repeat(64)}`,
  ]),
  run: (input) => {
    const parsed = parseReference(Buffer.from(input).toString('utf8'));
    const text = formatReference(parsed);
    mustHold(JSON.stringify(parseReference(text)) === JSON.stringify(parsed), 'written and read it is another name');
    const familiar = formatReference(parseReference(familiarName(parsed)));
    mustHold(familiar === text, `the familiar name means ${familiar}`);
    mustHold(!/(?:^|\/)\.\.?(?:\/|:|@|$)|[\s\\%?#]/.test(text), 'it could mean another path in a URL');
    return `${parsed.registry === 'docker.io'} ${parsed.tag !== undefined} ${parsed.digest !== undefined}`;
  },
});

export const platform = pureTarget('platform', {
  seeds: platformSeeds,
  mutate: mutateText(['/', 'linux', 'arm', 'arm64', 'amd64', 'v7', 'v8', 'aarch64', ' ', '__proto__']),
  run: (input) => {
    const parsed = parsePlatform(Buffer.from(input).toString('utf8'));
    const again = parsePlatform(formatPlatform(parsed));
    mustHold(JSON.stringify(again) === JSON.stringify(parsed), 'written and read it is another platform');
    mustHold(platformFit(parsed, parsed) === 100, 'it does not fit itself');
    return formatPlatform(parsed).slice(0, 20);
  },
});

/** Docker's client configuration: credentials of several registries are asked for. No helper is ever found. */
export const dockerConfig: Target = {
  name: 'docker-config',
  seeds: dockerConfigSeeds,
  mutate: (input, random, corpus) => (random.oneIn(3) ? mutateBytes : mutate)(input, random, corpus),
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsbuild-fuzz-'));
    const configPath = join(folder, 'config.json');
    const credentials = dockerCredentials({ configPath, environment: { PATH: folder } });
    return {
      close: () => rmSync(folder, { recursive: true, force: true }),
      run: async (input) => {
        writeFileSync(configPath, input);
        const found: string[] = [];
        for (const host of ['docker.io', 'example.com', 'localhost:5000']) {
          try {
            found.push(Object.keys((await credentials(host, 'team/app')) ?? {}).join());
          } catch (error) {
            if (!(error instanceof OciError)) throw error;
            // A helper's name is no secret, whatever it is.
            const leaks = /hunter2|bWU6aHVu/.test(error.message) && !error.message.includes('docker-credential-');
            mustHold(!leaks, 'an error repeats a secret');
            found.push(error.code);
          }
        }
        mustNotPollute();
        return found.join(' ');
      },
    };
  },
};
