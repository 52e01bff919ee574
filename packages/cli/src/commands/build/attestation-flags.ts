import type { AttestationOptions, ProvenanceOptions } from '@tsbuild/builder';
import { UsageError } from '../../host/usage-error.ts';
import { version } from '../../host/version.ts';
import { BOOLEAN, splitRecord, YES } from './output-fields.ts';

/** The flags of buildx that ask for attestations, or say that none are wanted. */
export interface AttestationFlags {
  readonly provenance: string | undefined;
  readonly sbom: string | undefined;
  readonly attest: readonly string[];
}

/** One `--attest`, or what stands for it, with the parameters that nobody has read yet. */
interface Attestation {
  readonly flag: string;
  readonly type: string;
  readonly isDisabled: boolean;
  readonly fields: Map<string, string>;
}

/**
 * Reads `--provenance`, `--sbom` and `--attest` as buildx does (util/buildflags/attests.go): the first two stand for
 * `--attest type=TYPE,…`, with `true` and `false` for all or nothing of it.
 * @returns undefined where nothing is asked for
 * @throws UsageError for a type or parameter that means nothing here, and for a type that is told twice
 */
export function parseAttestations({ provenance, sbom, attest }: AttestationFlags): AttestationOptions | undefined {
  const all = [
    ...attest.map((text) => parsed(`--attest ${text}`, text)),
    ...shorthand('provenance', provenance),
    ...shorthand('sbom', sbom),
  ];
  const taken = new Map<string, Attestation>();
  for (const one of all) {
    const { type, flag, isDisabled } = one;
    const other = taken.get(type);
    // Scripts say it twice that they want none.
    if (other !== undefined && !(isDisabled && other.isDisabled)) {
      throw wrong(flag, `there is another one of type ${type}`);
    }
    taken.set(type, one);
  }
  const wanted = all.filter(({ isDisabled }) => !isDisabled);
  if (wanted.length === 0) return undefined;
  let options: AttestationOptions = { tool: { name: 'tsbuild', version } };
  for (const attestation of wanted) {
    if (attestation.type === 'sbom') checkSbom(attestation);
    options =
      attestation.type === 'sbom' ? { ...options, sbom: true } : { ...options, provenance: modeOf(attestation) };
    const [left] = attestation.fields.keys();
    if (left !== undefined) throw wrong(attestation.flag, `unknown parameter ${left}=`);
  }
  return options;
}

function shorthand(type: string, value: string | undefined): readonly Attestation[] {
  if (value === undefined || value === '') return [];
  const flag = `--${type}=${value}`;
  if (BOOLEAN.test(value)) return [{ flag, type, isDisabled: !YES.test(value), fields: new Map() }];
  const isMode = type === 'provenance' && /^(?:min|max)$/.test(value);
  return [parsed(flag, `type=${type},${isMode ? 'mode=' : ''}${value}`)];
}

function parsed(flag: string, text: string): Attestation {
  const fields = new Map<string, string>();
  for (const field of splitRecord(text, (why) => wrong(flag, why))) {
    const equals = field.indexOf('=');
    if (equals < 0) throw wrong(flag, `expected key=value, not ${JSON.stringify(field)}`);
    fields.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  const type = take(fields, 'type');
  if (type === undefined) throw wrong(flag, 'type= is missing: provenance or sbom');
  if (type !== 'provenance' && type !== 'sbom') throw wrong(flag, `unknown type ${type}: expected provenance or sbom`);
  const disabled = take(fields, 'disabled') ?? 'false';
  if (!BOOLEAN.test(disabled)) throw wrong(flag, 'disabled= must be true or false');
  return { flag, type, isDisabled: YES.test(disabled), fields };
}

/** BuildKit runs an image to find packages; here they are found without. */
function checkSbom({ flag, fields }: Attestation): void {
  const generator = take(fields, 'generator') ?? '';
  if (generator === '') return;
  throw new UsageError(`not supported: ${flag}: tsbuild finds the packages itself and runs no generator image`, {
    command: 'build',
    hint: 'use --sbom; for another scanner, run it on the finished image',
  });
}

function modeOf({ flag, fields }: Attestation): ProvenanceOptions {
  const mode = take(fields, 'mode') ?? 'min';
  if (mode !== 'min' && mode !== 'max') throw wrong(flag, 'mode= must be min or max');
  const format = take(fields, 'version') ?? 'v1';
  if (format !== 'v1') throw wrong(flag, `version=${format} is not written; only v1 of SLSA provenance`);
  if (YES.test(take(fields, 'reproducible') ?? 'false')) {
    throw new UsageError(`invalid ${flag}: reproducible= is not for users to say`, {
      command: 'build',
      hint: 'use --verify, which builds twice: the provenance says so when both images are the same',
    });
  }
  // Where a provenance goes beside the image: docs/attestations.md.
  const inlineOnly = take(fields, 'inline-only') ?? 'false';
  if (!BOOLEAN.test(inlineOnly)) throw wrong(flag, 'inline-only= must be true or false');
  const builderId = take(fields, 'builder-id') ?? '';
  return { mode, ...(builderId !== '' && { builderId }) };
}

function take(fields: Map<string, string>, key: string): string | undefined {
  const value = fields.get(key);
  fields.delete(key);
  return value;
}

function wrong(flag: string, why: string): UsageError {
  return new UsageError(`invalid ${flag}: ${why}`, { command: 'build' });
}
