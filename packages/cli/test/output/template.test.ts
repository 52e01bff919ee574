import { expect, it } from 'vitest';
import { CommandError, UsageError } from '../../src/host/usage-error.ts';
import { compileTemplate } from '../../src/output/template/template.ts';

const document = {
  Id: 'sha256:1',
  Config: { Env: ['A=1', 'B=2'], Labels: { b: '2', a: '1' }, Cmd: null },
  Size: 5,
  Mounts: [{ Type: 'bind' }],
};

it.each([
  ['{{.Id}}', 'sha256:1'],
  ['{{ .Id }}\\t{{.Size}}', 'sha256:1\t5'],
  ['{{json .Config.Env}}', '["A=1","B=2"]'],
  ['{{.Config.Env}} {{.Config.Labels}}', '[A=1 B=2] map[a:1 b:2]'],
  ['{{.Config.Cmd}} {{.Config.Labels.nope}} {{json .Config.Healthcheck}}', '<nil> <no value> null'],
  ['{{range .Config.Env}}<{{.}}>{{end}}', '<A=1><B=2>'],
  ['{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$i}}:{{$e}}{{end}}', '0:A=1, 1:B=2'],
  ['{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{else}}none{{end}}', 'a=1;b=2;'],
  ['{{range .Config.Cmd}}x{{else}}none{{end}}', 'none'],
  ['{{index .Config.Env 1}} {{index .Config.Labels "a"}}|{{index .Config.Labels "z"}}', 'B=2 1|'],
  ['{{len .Config.Env}} {{.Config.Env | len}} {{len .Id}}', '2 2 8'],
  ['{{if eq .Size 5}}five{{else if .Id}}other{{end}}', 'five'],
  ['{{with .Config}}{{index .Env 0}} {{$.Id}}{{end}}', 'A=1 sha256:1'],
  ['{{join .Config.Env ","}} {{upper "x"}} {{printf "%5d|%-3s|" .Size "a"}}', 'A=1,B=2 X     5|a  |'],
  ['{{(index .Mounts 0).Type}} {{json (index .Mounts 0)}}', 'bind {"Type":"bind"}'],
  ['a {{- .Size -}} b', 'a5b'],
  ['{{.Config.Volumes.nope}}', '<no value>'],
  ['plain', 'plain'],
])('%s', (template, text) => {
  expect(compileTemplate(template, 'inspect')(document)).toBe(text);
});

it.each([
  '{{range .Config.Env}}',
  '{{.Id',
  '{{nope .Config.Env 0}}',
  '{{}}',
  '{{end}}',
  '{{$x}}',
  '{{.Id}',
  '{{( .Id}}',
])('refuses %s', (template) => {
  expect(() => compileTemplate(template, 'inspect')).toThrow(UsageError);
});

it.each([
  '{{.Nope}}',
  '{{.constructor}}',
  '{{.Config.Nope}}',
  '{{.Id.Deep}}',
  '{{range .Mounts}}{{.Nope}}{{end}}',
  '{{index .Config.Env 9}}',
])('fails with %s, as there is no such thing', (template) => {
  expect(() => compileTemplate(template, 'inspect')(document)).toThrow(CommandError);
});
