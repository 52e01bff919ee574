import type { CheckReport } from './check-findings.ts';

const SEVERITIES = { error: 'critical', warning: 'minor', advice: 'info' } as const;

/**
 * GitLab's code quality report, for `artifacts:reports:codequality`.
 * @see https://docs.gitlab.com/ci/testing/code_quality/
 */
export function gitlabDocument({ file, findings }: CheckReport): unknown {
  return findings.map(({ level, rule, message, fingerprint, range: { start, end } }) => ({
    description: message,
    check_name: rule,
    fingerprint,
    severity: SEVERITIES[level],
    location: { path: file, lines: { begin: start.line, end: Math.max(start.line, end.line) } },
  }));
}
