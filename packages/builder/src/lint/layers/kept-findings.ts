import { type Fault, keptFaults, readKept, writeKept } from '../../disk/kept-file.ts';
import type { LayerFinding } from './layer-finding.ts';

/** A file of `checks/`: what the checks found in a list of layers. */
interface KeptFindings {
  readonly findings: readonly LayerFinding[];
}

/** What is kept at `path`; undefined when nothing is. */
export function keptFindings(path: string): readonly LayerFinding[] | undefined {
  return readKept(path, isKept)?.findings;
}

/** Keeps what was found, so that the next build with the same layers reads no index. */
export function keepFindings(path: string, findings: readonly LayerFinding[]): void {
  writeKept(path, { findings } satisfies KeptFindings);
}

/** The files in a directory that are damaged. */
export function verifyKeptFindings(directory: string): readonly Fault[] {
  return keptFaults(directory, isKept);
}

function isKept({ findings }: Partial<KeptFindings>): boolean {
  return Array.isArray(findings);
}
