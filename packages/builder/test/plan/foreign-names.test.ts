import { describe, expect, it } from 'vitest';
import { changeConfig } from '../../src/container/commit-changes.ts';
import { Secrets } from '../../src/mounts/secrets.ts';
import { lintOf } from '../lint/lint-of.ts';
import { BASE, lastRun, planOf } from './plan-of.ts';

/*
 * Names that every JavaScript object has: as names of labels, variables, stages and files they are names like any other. What
 * takes such a name as the property of an object loses it, or finds a function that nobody set.
 */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
const own = (table: object | undefined): readonly string[] => Object.keys(table ?? {});

describe.each(NAMES)('%s', (name) => {
  it('is a label, a variable, a volume and an argument', async () => {
    const text = `FROM scratch\nLABEL ${name}=l\nENV ${name}=e\nVOLUME ${name}\nARG ${name}\nRUN x`;
    const plan = await planOf(text, { buildArgs: { unused: '1' } });
    expect(own(plan.target.config.Labels)).toEqual([name]);
    expect(Object.entries(plan.target.config.Labels ?? {})).toEqual([[name, 'l']]);
    expect(plan.target.config.Env).toContain(`${name}=e`);
    expect(own(plan.target.config.Volumes)).toEqual([name]);
    expect((await lastRun(plan))['environment']).toContain(`${name}=e`);
  });

  it('is inherited from a base image and from a stage', async () => {
    const labels = JSON.parse(`{"${name}": "base"}`) as Record<string, string>;
    const base = {
      ...BASE,
      config: { Labels: labels, Volumes: JSON.parse(`{"${name}": {}}`) as Record<string, Record<string, never>> },
    };
    const { target } = await planOf('FROM base AS a\nLABEL b=1\nVOLUME /v\nFROM a\nLABEL c=1', { images: { base } });
    expect(own(target.config.Labels)).toEqual([name, 'b', 'c']);
    expect(own(target.config.Volumes)).toEqual([name, '/v']);
  });

  it('is an argument that nobody gave, though every object has it', async () => {
    const plan = await planOf(`ARG ${name}\nFROM scratch\nARG ${name}\nLABEL is="\${${name}:-unset}"`);
    expect(plan.target.config.Labels).toEqual({ is: 'unset' });
    const given = await planOf(`FROM scratch\nARG ${name}\nLABEL is="\${${name}:-unset}"`, {
      buildArgs: Object.fromEntries([[name, undefined]]),
    });
    expect(given.target.config.Labels).toEqual({ is: 'unset' });
  });

  it('is a secret and a change of commit', () => {
    const secrets = new Secrets(new Map([[name, { kind: 'env', name }]]), {});
    expect(Buffer.from(secrets.get(name) ?? 'none').toString()).toBe('');
    expect(own(changeConfig({}, [`LABEL ${name}=x`, 'LABEL b=c']).Labels)).toEqual([name, 'b']);
  });

  it('is undefined for the checks where nothing defines it', () => {
    expect(lintOf(`FROM scratch\nUSER $${name}`)).toEqual([`2 UndefinedVar: Usage of undefined variable '$${name}'`]);
    expect(lintOf(`FROM scratch\nENV ${name}=1\nUSER $${name}`)).toEqual([]);
  });
});

it.each(NAMES.filter((name) => /^[a-z]/.test(name)))('%s is a stage', async (name) => {
  const { stages } = await planOf(`FROM scratch AS ${name}\nFROM ${name}\nCOPY --from=${name} a b`);
  expect(stages.map(({ label }) => label)).toEqual([name.toLowerCase(), 'stage-1']);
});
