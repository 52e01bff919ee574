import { membersOf, readJson } from './json-file.ts';
import { MAX_DATABASE, type PackageFile, unreadable } from './package-file.ts';
import type { PackageFindings, PackageRecord } from './package-record.ts';

/** `*.deps.json` of a .NET application: its libraries, `Name/1.2.3`, those of type `package` from NuGet. */
export function readDotnetDependencies(file: PackageFile): PackageFindings {
  const { libraries } = membersOf(readJson(file, MAX_DATABASE));
  if (libraries === undefined) throw unreadable('it has no libraries');
  const packages: PackageRecord[] = [];
  const gaps: string[] = [];
  for (const [key, library] of Object.entries(membersOf(libraries))) {
    if (membersOf(library)['type'] !== 'package') continue;
    const [, name, version] = /^([^/]+)\/([^/]+)$/.exec(key) ?? [];
    if (name === undefined || version === undefined) gaps.push(`a library without a version: ${key}`);
    else packages.push({ type: 'nuget', name, version });
  }
  return { packages, gaps };
}
