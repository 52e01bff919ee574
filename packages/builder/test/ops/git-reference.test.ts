import { describe, expect, it } from 'vitest';
import { type GitReference, parseGitReference, withoutCredentials } from '../../src/ops/add/git-reference.ts';

describe('git sources', () => {
  it.each<[string, Partial<GitReference>]>([
    ['https://example.com/a/b.git', { remote: 'https://example.com/a/b.git', ref: undefined, folder: '' }],
    ['http://example.com/b.git#main', { remote: 'http://example.com/b.git', ref: 'main' }],
    ['https://example.com/b.git#v1:docs/x', { ref: 'v1', folder: 'docs/x' }],
    ['https://example.com/b.git#:docs/', { ref: undefined, folder: 'docs' }],
    ['git@example.com:a/b.git#x:y', { remote: 'git@example.com:a/b.git', ref: 'x', folder: 'y' }],
    ['ssh://git@example.com:22/b', { remote: 'ssh://git@example.com:22/b' }],
    ['git://example.com/b', { remote: 'git://example.com/b' }],
    ['https://example.com/b.git?branch=x&subdir=y', { ref: 'refs/heads/x', folder: 'y' }],
    ['https://example.com/b.git?tag=v1&keep-git-dir=true', { ref: 'refs/tags/v1', keepGitDir: true }],
    ['https://example.com/b.git?ref=x&submodules=false', { ref: 'x', submodules: false }],
    ['https://example.com/b.git?fetch-by-commit=true&branch=x', { ref: 'refs/heads/x' }],
    ['https://example.com/b.git?commit=0123ABC#main', { ref: 'main', commit: '0123abc' }],
  ])('%s', (text, expected) => {
    expect(parseGitReference(text)).toMatchObject({ text, ...expected });
  });

  it.each([
    'https://example.com/b.tar.gz',
    'https://example.com/b.git/archive.tar',
    'https://example.com/x?file=b.git',
    'file.git',
    './a.git',
    'dir:with/colon',
    '/a@b:c',
    'file:///b.git',
  ])('%s is none', (text) => {
    expect(parseGitReference(text)).toBeUndefined();
  });

  it.each<[string, string]>([
    ['https://example.com/b.git?branch=x#y', 'names a ref more than once'],
    ['https://example.com/b.git?branch=x&tag=y', 'names a ref more than once'],
    ['https://example.com/b.git?subdir=x#:y', 'names a subdirectory more than once'],
    ['https://example.com/b.git?branch=x&branch=x', 'branch is given twice'],
    ['https://example.com/b.git?brunch=x', 'unexpected query "brunch"'],
    ['https://example.com/b.git?commit=xyz', 'is not a commit'],
    ['https://example.com/b.git?submodules=maybe', 'submodules must be true or false'],
    ['https://example.com/b.git#x:../y', 'cannot contain ".."'],
    ['https://example.com/b.git#--upload-pack=x', 'does not begin with "-"'],
  ])('%s says something impossible', (text, message) => {
    expect(() => parseGitReference(text)).toThrow(message);
  });

  it('are shown without passwords, in errors too', () => {
    expect(withoutCredentials('https://me:pw@example.com/b.git#x')).toBe('https://xxxxx:xxxxx@example.com/b.git#x');
    expect(withoutCredentials('http://token@example.com/x')).toBe('http://xxxxx:xxxxx@example.com/x');
    expect(withoutCredentials('ssh://git@example.com/b')).toBe('ssh://git@example.com/b');
    expect(withoutCredentials('https://example.com/a@b')).toBe('https://example.com/a@b');
    expect(() => parseGitReference('https://me:pw@example.com/b.git?x=y')).toThrow('https://xxxxx:xxxxx@example.com/');
  });
});
