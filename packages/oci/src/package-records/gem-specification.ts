import { fileText, MAX_DESCRIPTION, type PackageFile } from './package-file.ts';
import type { PackageFindings } from './package-record.ts';

/** RubyGems' own first lines of an installed specification: `# stub: json 2.6.1 ruby lib`. */
const STUB = /^# stub: (\S+) (\S+) /m;
const NAME = /^\s*\w+\.name\s*=\s*["']([^"']+)["']/m;
const VERSION = /^\s*\w+\.version\s*=\s*(?:Gem::Version\.new\(?\s*)?["']([^"']+)["']/m;
const LICENCES = /^\s*\w+\.licenses?\s*=\s*(?:\[([^\]]*)\]|(["'][^"']*["']))/m;

/**
 * A gem in `specifications/`. It is a program in Ruby, which is not run: its stub line is read, or the assignments of texts that
 * every specification has which RubyGems wrote.
 */
export function readGemSpecification(file: PackageFile): PackageFindings {
  const text = fileText(file, MAX_DESCRIPTION);
  const [, stubName, stubVersion] = STUB.exec(text) ?? [];
  const name = stubName ?? NAME.exec(text)?.[1];
  const version = stubVersion ?? VERSION.exec(text)?.[1];
  if (name === undefined || version === undefined) {
    return { packages: [], gaps: ['its name or version is no plain text (the Ruby program is not run)'] };
  }
  const [, list, single] = LICENCES.exec(text) ?? [];
  const licences = Array.from((list ?? single ?? '').matchAll(/["']([^"']+)["']/g), ([, licence = '']) => licence);
  const licence = licences.length === 0 ? {} : { licence: licences.join(' AND ') };
  return { packages: [{ type: 'gem', name, version, ...licence }], gaps: [] };
}
