import { type CheckReport } from './check-findings.ts';
import { checkstyleDocument } from './checkstyle-document.ts';
import { githubCommands } from './github-commands.ts';
import { gitlabDocument } from './gitlab-document.ts';
import { gnuLines } from './gnu-lines.ts';
import { sarifDocument } from './sarif-document.ts';

/** What editors and CI read. */
export type FindingsFormat = 'gnu' | 'github' | 'sarif' | 'gitlab' | 'checkstyle';

/** The variable that says what paths of a format are relative to; the working directory where it is not set. */
const ROOTS: Readonly<Partial<Record<FindingsFormat, string>>> = {
  github: 'GITHUB_WORKSPACE',
  sarif: 'GITHUB_WORKSPACE',
  gitlab: 'CI_PROJECT_DIR',
};

/** The directory that paths are relative to. */
export function findingsRoot(format: FindingsFormat, env: NodeJS.ProcessEnv): string | undefined {
  const name = ROOTS[format];
  return name === undefined ? undefined : env[name];
}

/** Findings in a format: text, or a value to be written as JSON. */
export function findingsDocument(format: FindingsFormat, report: CheckReport): string | { readonly json: unknown } {
  switch (format) {
    case 'gnu':
      return gnuLines(report);
    case 'github':
      return githubCommands(report);
    case 'sarif':
      return { json: sarifDocument(report) };
    case 'gitlab':
      return { json: gitlabDocument(report) };
    case 'checkstyle':
      return checkstyleDocument(report);
  }
}
