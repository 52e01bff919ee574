import { UsageError } from '../../host/usage-error.ts';

/** The flags of buildx that ask for attestations, or say that none are wanted. */
export interface AttestationFlags {
  readonly provenance: string | undefined;
  readonly sbom: string | undefined;
  readonly attest: readonly string[];
}

/**
 * Scripts written for buildx turn attestations off, for engines that stumble over them: here there are none, so that is
 * what they get. Whoever asks for one is told.
 * @throws UsageError
 */
export function checkAttestations({ provenance, sbom, attest }: AttestationFlags): void {
  for (const [flag, value] of Object.entries({ provenance, sbom })) {
    if (value !== undefined && !isOff(value)) throw refused(`--${flag}=${value}`);
  }
  for (const text of attest) {
    const fields = new Map(text.split(',').map((field) => splitField(field)));
    if (!isOn(fields.get('disabled') ?? '')) throw refused(`--attest ${text}`);
  }
}

function isOff(value: string): boolean {
  return ['false', '0', 'f', 'disabled=true'].includes(value.toLowerCase());
}

function isOn(value: string): boolean {
  return ['true', '1', 't'].includes(value.toLowerCase());
}

function splitField(field: string): [string, string] {
  const equals = field.indexOf('=');
  return equals < 0 ? [field, ''] : [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1)];
}

function refused(flag: string): UsageError {
  return new UsageError(`not supported yet: ${flag}: images get no attestations`, {
    command: 'build',
    hint: 'omit it; --provenance=false and --sbom=false are accepted',
  });
}
