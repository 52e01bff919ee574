import { describe, expect, it } from 'vitest';
import { type Distribution, packageUrl, type PackageRecord } from '../../src/index.ts';

const DEBIAN: Distribution = { id: 'debian', version: '12' };
const FEDORA: Distribution = { id: 'fedora', version: '40' };

describe('packageUrl', () => {
  it.each<[string, PackageRecord, Distribution?]>([
    [
      'pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12',
      { type: 'deb', name: 'curl', version: '7.88.1-10', architecture: 'amd64' },
      DEBIAN,
    ],
    [
      'pkg:deb/debian/libgcc-s1@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-14%2Bb1',
      {
        type: 'deb',
        name: 'libgcc-s1',
        version: '12.2.0-14',
        architecture: 'amd64',
        source: 'gcc-12',
        sourceVersion: '12.2.0-14+b1',
      },
      DEBIAN,
    ],
    [
      'pkg:deb/debian/passwd@1:4.13%2Bdfsg1-1?distro=debian-12',
      { type: 'deb', name: 'passwd', version: '1:4.13+dfsg1-1' },
      DEBIAN,
    ],
    ['pkg:deb/curl@1', { type: 'deb', name: 'curl', version: '1' }],
    [
      'pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20',
      { type: 'apk', name: 'musl', version: '1.2.5-r0', architecture: 'x86_64' },
      { id: 'alpine', version: '3.20' },
    ],
    [
      'pkg:rpm/fedora/bash@5.2-1.fc40?arch=x86_64&distro=fedora-40&epoch=0&upstream=bash-5.2-1.fc40.src.rpm',
      {
        type: 'rpm',
        name: 'bash',
        version: '5.2-1.fc40',
        architecture: 'x86_64',
        epoch: 0,
        source: 'bash-5.2-1.fc40.src.rpm',
      },
      FEDORA,
    ],
    ['pkg:rpm/redhat/a@1?distro=rhel-9.4', { type: 'rpm', name: 'a', version: '1' }, { id: 'rhel', version: '9.4' }],
    ['pkg:npm/%40angular/core@17.0.0', { type: 'npm', name: '@angular/core', version: '17.0.0' }, DEBIAN],
    ['pkg:npm/left-pad@1.3.0', { type: 'npm', name: 'left-pad', version: '1.3.0' }],
    ['pkg:pypi/typing-extensions@4.9.0', { type: 'pypi', name: 'typing_Extensions', version: '4.9.0' }],
    ['pkg:gem/rails@7.1', { type: 'gem', name: 'rails', version: '7.1' }],
    ['pkg:golang/stdlib@1.22.1', { type: 'golang', name: 'stdlib', version: '1.22.1' }],
    [
      'pkg:golang/github.com/burntsushi/toml@v1.3.2',
      { type: 'golang', name: 'github.com/BurntSushi/toml', version: 'v1.3.2' },
    ],
    ['pkg:golang/github.com/a/b@v2.0.0#v2/c', { type: 'golang', name: 'github.com/a/b/v2/c', version: 'v2.0.0' }],
    ['pkg:golang/example.org/app', { type: 'golang', name: 'example.org/app', version: '(devel)' }],
    ['pkg:cargo/serde@1.0.1', { type: 'cargo', name: 'serde', version: '1.0.1' }],
    [
      'pkg:maven/org.apache.commons/commons-lang3@3.14.0',
      { type: 'maven', group: 'org.apache.commons', name: 'commons-lang3', version: '3.14.0' },
    ],
    ['pkg:composer/symfony/console@v7.0', { type: 'composer', name: 'Symfony/Console', version: 'v7.0' }],
    ['pkg:nuget/Newtonsoft.Json@13.0.3', { type: 'nuget', name: 'Newtonsoft.Json', version: '13.0.3' }],
    // What anyone can write into a package.json.
    ['pkg:npm/a%3Fb%23c@1%20%2F%202%EF%BF%BD', { type: 'npm', name: 'a?b#c', version: '1 / 2\ud800' }],
  ])('%s', (purl, record, distribution) => {
    expect(packageUrl(record, distribution)).toBe(purl);
  });
});
