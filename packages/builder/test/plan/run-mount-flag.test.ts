import { describe, expect, it } from 'vitest';
import { mountFrom, parseRunMount } from '../../src/plan/run-mount-flag.ts';
import { parseSize } from '../../src/plan/size.ts';

const expand = (word: string): string => word.replaceAll('$V', 'value').replaceAll("'", '');
const parse = (text: string) => parseRunMount(text, expand);

describe('RUN --mount', () => {
  it.each<[string, object]>([
    ['target=/a', { type: 'bind', target: '/a', readOnly: true, from: '', source: '' }],
    ['type=bind,src=x,dst=/a,rw', { source: 'x', target: '/a', readOnly: false }],
    ['TYPE=Bind,Source=x,Destination=/a,READWRITE=false', { source: 'x', target: '/a', readOnly: true }],
    ['type=cache,target=/c', { type: 'cache', readOnly: false, sharing: 'shared', id: '' }],
    [
      'type=cache,target=/c,sharing=LOCKED,ro=1,mode=0700,uid=5,gid=6',
      { sharing: 'locked', readOnly: true, mode: 0o700, uid: 5, gid: 6 },
    ],
    ['type=tmpfs,target=/t,size=64m', { type: 'tmpfs', size: 64 << 20, readOnly: false }],
    ['type=secret,id=s,required,env=TOKEN', { type: 'secret', id: 's', required: true, env: 'TOKEN' }],
    ['type=ssh,required=true', { type: 'ssh', required: true, id: '' }],
    ['"target=/with,comma",type=cache', { target: '/with,comma', type: 'cache' }],
    ['"target=/with ""quotes"""', { target: '/with "quotes"' }],
    ['type=cache,target=/$V,id=$V', { target: '/value', id: 'value' }],
    ["type=cache,target='/q'", { target: '/q' }],
  ])('%s', (text, expected) => {
    expect(parse(text)).toMatchObject(expected);
  });

  it.each<[string, string]>([
    ['typ=bind', "unexpected key 'typ' in 'typ=bind' (did you mean type?)"],
    ['type=cahce', 'unsupported mount type "cahce" (did you mean cache?)'],
    ['type=cache,sharing=lock', 'unsupported sharing value "lock" (did you mean locked?)'],
    ['type=cache,target=/x,z', "invalid field 'z' must be a key=value pair"],
    ['required', "unexpected key 'required' for mount type 'bind'"],
    ['type=cache,required=true', "unexpected key 'required' for mount type 'cache'"],
    ['type=bind,size=1', "unexpected key 'size' for mount type 'bind'"],
    ['type=tmpfs,size=big', 'invalid value for size: big'],
    ['ro=yes', 'invalid value for ro: yes'],
    ['type=cache,mode=9', 'invalid value 9 for mode'],
    ['type=cache,uid=-1', 'invalid value -1 for uid'],
    ['type=cache,gid=4294967296', 'invalid value 4294967296 for gid'],
    ['target=/a,mode=0400', 'mode not allowed for "bind" type mounts'],
    ['type=tmpfs,uid=1', 'uid not allowed for "tmpfs" type mounts'],
    ['from=$BASE,target=/a', "'from' doesn't support variable expansion, define alias stage instead"],
    ['type=secret,from=a,id=b', 'secret mount should not have a from'],
    ['type=secret,id=a,sharing=shared', 'secret mount should not define sharing'],
    ['type=secret', 'invalid secret mount. one of source, target required'],
    ['type=secret,id=a,source=b', "both source and id can't be set"],
    ['type=ssh,source=b', 'ssh does not support source'],
    ['target=/x,sharing=shared', 'invalid cache sharing set for bind mount'],
    ['target="/x', 'failed to parse csv mounts: parse error on line 1, column 8: bare " in non-quoted field'],
    [
      '"target=/x',
      'failed to parse csv mounts: parse error on line 1, column 1: extraneous or missing " in quoted-field',
    ],
  ])('refuses %s', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'DOCKERFILE_INVALID', message }));
  });

  it('tells which stage it reads from', () => {
    expect(['from=a,target=/x', 'target=/x', 'type=tmpfs,from=a', 'FROM=b,type=cache'].map(mountFrom)).toEqual([
      'a',
      undefined,
      undefined,
      'b',
    ]);
  });

  it('knows sizes', () => {
    expect(['1', '1k', '2MB', '1.5g', '1 KiB', '-1', '1x', ''].map(parseSize)).toEqual([
      1, 1024, 2 << 20, 1.5 * 2 ** 30, 1024, undefined, undefined, undefined,
    ]); // biome-ignore format: one list
  });
});
