// What may be in a tarball, and what must be.
const DOCUMENTS = ['package.json', 'README.md', 'LICENSE'];

/** Beside {@link DOCUMENTS}. @type {Readonly<Record<string, { readonly allowed: RegExp, readonly needed: readonly string[] }>>} */
const CONTENTS = {
  oci: {
    allowed: /^(?:dist\/.*\.(?:js|d\.ts)(?:\.map)?|src\/.*\.ts)$/,
    needed: ['dist/index.js', 'dist/index.d.ts', 'dist/node.js', 'dist/node.d.ts', 'dist/internal.js'],
  },
  builder: {
    allowed: /^dist\/(?:.*\.(?:js|d\.ts)|THIRD-PARTY-NOTICES)$/,
    needed: ['dist/index.js', 'dist/index.d.ts', 'dist/file-thread.js', 'dist/THIRD-PARTY-NOTICES'],
  },
  cli: {
    allowed: /^dist\/(?:(?:main|program|file-thread)\.js|(?:package|explorer)\.json|THIRD-PARTY-NOTICES)$/,
    needed: ['main.js', 'program.js', 'file-thread.js', 'package.json', 'explorer.json', 'THIRD-PARTY-NOTICES'].map(
      (name) => `dist/${name}`,
    ),
  },
};

/**
 * Complains of files that should not be in the tarball of a package, and of those that are missing.
 * @param {string} name `oci`, `builder` or `cli`
 * @param {readonly string[]} files
 */
export function checkContents(name, files) {
  const { allowed, needed } = CONTENTS[name];
  const strange = files.filter((path) => !DOCUMENTS.includes(path) && !allowed.test(path));
  if (strange.length > 0) throw new Error(`the tarball holds what it should not: ${strange.join(', ')}`);
  const missing = [...DOCUMENTS, ...needed].filter((path) => !files.includes(path));
  if (missing.length > 0) throw new Error(`the tarball lacks ${missing.join(', ')}`);
}
