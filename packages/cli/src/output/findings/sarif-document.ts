import { version } from '../../host/version.ts';
import type { CheckFinding, CheckReport } from './check-findings.ts';

const LEVELS = { error: 'error', warning: 'warning', advice: 'note' } as const;
const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** More results than this are refused by GitHub in one run. */
const MOST_RESULTS = 25_000;

/**
 * SARIF 2.1.0, which GitHub's code scanning reads. Fingerprints are our own, so that a finding is the same one when lines move.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function sarifDocument({ file, findings }: CheckReport): unknown {
  const rules = [...new Map(findings.map((finding) => [finding.rule, finding])).values()];
  const numbers = new Map(rules.map(({ rule }, at) => [rule, at]));
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'tsbuild',
            version,
            semanticVersion: version,
            rules: rules.map(ruleDocument),
          },
        },
        originalUriBaseIds: { '%SRCROOT%': { description: { text: 'The root of the checkout' } } },
        results: findings.slice(0, MOST_RESULTS).map((finding) => resultDocument(file, finding, numbers)),
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
}

function ruleDocument({ rule, description, url, level }: CheckFinding): unknown {
  return {
    id: rule,
    name: rule,
    shortDescription: { text: description },
    fullDescription: { text: description },
    ...(url !== undefined && { helpUri: url, help: { text: `${description}: ${url}` } }),
    defaultConfiguration: { level: LEVELS[level] },
    properties: { tags: ['dockerfile'] },
  };
}

function resultDocument(file: string, finding: CheckFinding, numbers: ReadonlyMap<string, number>): unknown {
  const { rule, level, message, range, fingerprint } = finding;
  const { start, end } = range;
  return {
    ruleId: rule,
    ruleIndex: numbers.get(rule),
    level: LEVELS[level],
    message: { text: message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: {
            uri: encodeURI(file).replaceAll('#', '%23').replaceAll('?', '%3F'),
            uriBaseId: '%SRCROOT%',
          },
          region: {
            startLine: start.line,
            startColumn: start.column,
            endLine: Math.max(start.line, end.line),
            ...(end.line > start.line || end.column > start.column ? { endColumn: end.column } : {}),
          },
        },
      },
    ],
    partialFingerprints: { 'tsbuild/v1': fingerprint },
  };
}
