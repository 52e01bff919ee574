import { describe, expect, it } from 'vitest';
import { parseAttestations } from '../../src/commands/build/attestation-flags.ts';

const parsed = (flags: Partial<Parameters<typeof parseAttestations>[0]>): unknown =>
  parseAttestations({ provenance: undefined, sbom: undefined, attest: [], ...flags });
const tool = { name: 'tsbuild', version: expect.any(String) };

describe('the flags of attestations', () => {
  it.each([
    ['nothing', {}],
    ['false', { provenance: 'false', sbom: '0' }],
    ['a parameter that takes them back', { attest: ['type=sbom,disabled=true'], provenance: 'disabled=true' }],
  ])('ask for none with %s', (_name, flags) => {
    expect(parsed(flags)).toBeUndefined();
  });

  it.each([
    ['true', { mode: 'min' }],
    ['1', { mode: 'min' }],
    ['min', { mode: 'min' }],
    ['max', { mode: 'max' }],
    ['mode=max', { mode: 'max' }],
    [
      'mode=min,inline-only=true,builder-id=https://ci.example/runs/1',
      { mode: 'min', builderId: 'https://ci.example/runs/1' },
    ],
    ['mode=max,version=v1,"builder-id=a,b"', { mode: 'max', builderId: 'a,b' }],
    ['Mode=max,reproducible=false', { mode: 'max' }],
  ])('take --provenance=%s', (provenance, options) => {
    expect(parsed({ provenance })).toEqual({ tool, provenance: options });
    const text = /^(?:true|1)$/.test(provenance) ? '' : `,${provenance.replace(/^(min|max)$/, 'mode=$1')}`;
    expect(parsed({ attest: [`type=provenance${text}`] })).toEqual({ tool, provenance: options });
  });

  it('take both, and a bill of materials without parameters', () => {
    expect(parsed({ sbom: 'true', provenance: 'max' })).toEqual({ tool, sbom: true, provenance: { mode: 'max' } });
    expect(parsed({ sbom: 'generator=' })).toEqual({ tool, sbom: true });
    expect(parsed({ attest: ['type=sbom'], provenance: 'false' })).toEqual({ tool, sbom: true });
  });
});
