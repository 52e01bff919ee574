import { expect, it } from 'vitest';
import { UsageError } from '../../src/host/usage-error.ts';
import { compileTemplate } from '../../src/output/template.ts';

const document = { Id: 'sha256:1', Config: { Env: ['A=1', 'B=2'], Labels: { b: '2', a: '1' }, Cmd: null }, Size: 5 };

it.each([
  ['{{.Id}}', 'sha256:1'],
  ['{{ .Id }}\\t{{.Size}}', 'sha256:1\t5'],
  ['{{json .Config.Env}}', '["A=1","B=2"]'],
  ['{{.Config.Env}} {{.Config.Labels}}', '[A=1 B=2] map[a:1 b:2]'],
  ['{{.Config.Cmd}} {{.Nope.Deep}} {{json .Nope}}', '<nil> <no value> null'],
  ['{{.constructor}}', '<no value>'],
  ['plain', 'plain'],
])('%s', (template, text) => {
  expect(compileTemplate(template, 'inspect')(document)).toBe(text);
});

it.each(['{{range .Config.Env}}{{end}}', '{{.Id', '{{index .Config.Env 0}}', '{{}}'])('refuses %s', (template) => {
  expect(() => compileTemplate(template, 'inspect')).toThrow(UsageError);
});
