// What the package.json files say of each other: the versions go in step, and the addresses are those of the root.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGES } from './pack.mjs';

/** Of whom the command and the libraries may make their users install something. */
const DEPENDENCIES = { oci: ['@noble/hashes'], builder: ['@tsbuild/oci'], cli: [] };
const DEPENDENCY_FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));

/**
 * The version of all packages.
 * @param {string} project
 */
function versionOf(project) {
  return read(join(project, 'packages/oci/package.json')).version;
}

/**
 * Sentences about what is wrong with the package.json files of a project.
 * @param {string} project
 * @returns {string[]}
 */
export function manifestFaults(project) {
  const version = versionOf(project);
  const { repository } = read(join(project, 'package.json'));
  const address = repository.url.replace(/^git\+|\.git$/g, '');
  return PACKAGES.flatMap((name) => {
    const manifest = read(join(project, `packages/${name}/package.json`));
    const wanted = {
      name: `@tsbuild/${name}`,
      version,
      license: 'Apache-2.0',
      repository: { ...repository, directory: `packages/${name}` },
      homepage: `${address}/tree/main/packages/${name}#readme`,
      bugs: { url: `${address}/issues` },
      // A package with a scope is private unless told otherwise; provenance asks for the address of the repository.
      publishConfig: { access: 'public', provenance: true },
    };
    const wrong = Object.entries(wanted)
      .filter(([key, value]) => JSON.stringify(manifest[key]) !== JSON.stringify(value))
      .map(([key, value]) => `${key} is ${JSON.stringify(manifest[key])} and should be ${JSON.stringify(value)}`);
    const faults = [...wrong, ...neighbourFaults(manifest, version), ...dependencyFaults(manifest, DEPENDENCIES[name])];
    if (!(manifest.keywords?.length > 0)) faults.push('it has no keywords');
    return faults.map((fault) => `packages/${name}/package.json: ${fault}`);
  });
}

/** Packages of one release fit together, and nothing says that others do. */
function neighbourFaults(manifest, version) {
  const all = DEPENDENCY_FIELDS.flatMap((field) => Object.entries(manifest[field] ?? {}));
  return all
    .filter(([name, wanted]) => name.startsWith('@tsbuild/') && wanted !== version)
    .map(([name, wanted]) => `it wants ${name} ${wanted}, and this is ${version}`);
}

/** What is bundled must not be installed a second time. */
function dependencyFaults(manifest, allowed) {
  return Object.keys(manifest.dependencies ?? {})
    .filter((name) => !allowed.includes(name))
    .map((name) => `${name} would be installed for every user: bundle it and move it to devDependencies`);
}
