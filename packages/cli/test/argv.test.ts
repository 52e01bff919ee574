import { describe, expect, it } from 'vitest';
import { parseArguments } from '../src/grammar/argv.ts';
import { UsageError } from '../src/host/usage-error.ts';
import type { OptionTable } from '../src/grammar/options.ts';

const table: OptionTable = {
  tag: { kind: 'list', short: 't', placeholder: 'NAME[:TAG]', describe: '' },
  'build-arg': { kind: 'list', placeholder: 'NAME[=VALUE]', describe: '' },
  file: { kind: 'value', short: 'f', placeholder: 'FILE', describe: '' },
  quiet: { kind: 'flag', short: 'q', describe: '' },
  'no-cache': { kind: 'flag', describe: '' },
  progress: { kind: 'value', describe: '', choices: ['auto', 'plain', 'tty'] },
  secret: { kind: 'list', describe: '', later: true },
  pull: { kind: 'flag', describe: '', later: true },
  provenance: { kind: 'value', describe: '', later: true },
};

function parse(...argv: string[]) {
  const { options, operands } = parseArguments(argv, table, { command: 'build' });
  return { ...Object.fromEntries(options), operands };
}

describe("docker's grammar", () => {
  const cases: [string[], Record<string, unknown>][] = [
    [['-t', 'foo', '.'], { tag: ['foo'], operands: ['.'] }],
    [['-tfoo', '.'], { tag: ['foo'], operands: ['.'] }],
    [['-t=foo', '.'], { tag: ['foo'], operands: ['.'] }],
    [['--tag=foo', '.'], { tag: ['foo'], operands: ['.'] }],
    [['--tag', 'foo', '.'], { tag: ['foo'], operands: ['.'] }],
    [['--tag=a=b', '.'], { tag: ['a=b'], operands: ['.'] }],
    [['--tag=', '.'], { tag: [''], operands: ['.'] }],
    [['--tag', '', '.'], { tag: [''], operands: ['.'] }],
    [['-t', 'a', '-t', 'b', '.'], { tag: ['a', 'b'], operands: ['.'] }],
    [['.', '-t', 'a'], { tag: ['a'], operands: ['.'] }],
    [['-qt', 'foo', '.'], { quiet: true, tag: ['foo'], operands: ['.'] }],
    [['-qtfoo', '.'], { quiet: true, tag: ['foo'], operands: ['.'] }],
    [['-f', '-', '.'], { file: '-', operands: ['.'] }],
    [['-f-', '.'], { file: '-', operands: ['.'] }],
    [['-f', 'a', '-f', 'b', '.'], { file: 'b', operands: ['.'] }],
    [['--build-arg', '-x', '.'], { 'build-arg': ['-x'], operands: ['.'] }],
    [['--build-arg', '--', '.'], { 'build-arg': ['--'], operands: ['.'] }],
    [['--build-arg', 'A=1,B=2', '.'], { 'build-arg': ['A=1,B=2'], operands: ['.'] }],
    [['--build-arg', '1.0', '.'], { 'build-arg': ['1.0'], operands: ['.'] }],
    [['-'], { operands: ['-'] }],
    [['--', '-'], { operands: ['-'] }],
    [['--', '-t'], { operands: ['-t'] }],
    [['-q', '--', '--tag', 'x'], { quiet: true, operands: ['--tag', 'x'] }],
    [[''], { operands: [''] }],
    [['--no-cache', '.'], { 'no-cache': true, operands: ['.'] }],
    [['--no-cache=false', '.'], { 'no-cache': false, operands: ['.'] }],
    [['--no-cache', 'false'], { 'no-cache': true, operands: ['false'] }],
    [['-q=true', '.'], { quiet: true, operands: ['.'] }],
    [['--progress=plain', '.'], { progress: 'plain', operands: ['.'] }],
    [['--pull=false', '.'], { pull: false, operands: ['.'] }],
    [['--provenance=false', '.'], { provenance: 'false', operands: ['.'] }],
  ];
  it.each(cases)('%j', (argv, expected) => {
    expect(parse(...argv)).toEqual(expected);
  });
});

describe('a wrong command line', () => {
  const cases: [string[], string, string | undefined][] = [
    [['--tga', 'x'], 'unknown option --tga', 'did you mean --tag?'],
    [['--zzzzzz'], 'unknown option --zzzzzz', undefined],
    [['--toString'], 'unknown option --toString', undefined],
    [['-x'], 'unknown option -x', undefined],
    [['-qx'], 'unknown option -x in -qx', undefined],
    [['-t'], '-t needs a value', 'e.g. -t NAME[:TAG]'],
    [['.', '--tag'], '--tag needs a value', 'e.g. --tag NAME[:TAG]'],
    [['--no-cache=maybe'], 'invalid value "maybe" for --no-cache: expected true or false', undefined],
    [['--progress', 'plian'], 'invalid value "plian" for --progress: expected auto, plain, tty', 'did you mean plain?'],
    [['--secret', 'id=x'], 'not supported yet: --secret', undefined],
    [['--pull'], 'not supported yet: --pull', undefined],
  ];
  it.each(cases)('%j', (argv, message, hint) => {
    const error = thrown(() => parse(...argv));
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ message, hint, command: 'build' });
  });
});

it('stops at the first operand when the rest belongs to a command', () => {
  const { options, operands } = parseArguments(['-q', 'build', '-q', '--', '.'], table, { stopAtOperand: true });
  expect([...options.keys()]).toEqual(['quiet']);
  expect(operands).toEqual(['build', '-q', '--', '.']);
});

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
