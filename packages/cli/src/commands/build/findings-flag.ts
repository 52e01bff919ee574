import { UsageError } from '../../host/usage-error.ts';
import type { FindingsFormat } from '../../output/findings/check-formats.ts';

/** Where findings go, and how they are told. */
export interface FindingsFile {
  /** `-` is standard output. */
  readonly path: string;
  readonly format: FindingsFormat;
}

const FORMATS: readonly FindingsFormat[] = ['sarif', 'github', 'gitlab', 'checkstyle', 'gnu'];

/** Reads `--findings FILE[,format=FORMAT]`; SARIF unless told. @throws UsageError */
export function parseFindings(text: string): FindingsFile {
  const [, path = '', name = 'sarif'] = /^(.*?)(?:,format=([^,]*))?$/s.exec(text) ?? [];
  const format = FORMATS.find((one) => one === name);
  if (path !== '' && format !== undefined) return { path, format };
  throw new UsageError(`invalid --findings ${JSON.stringify(text)}: expected FILE[,format=FORMAT]`, {
    command: 'build',
    hint: `formats: ${FORMATS.join(', ')}; - is standard output`,
  });
}
