import { createRequire } from 'node:module';

/** Modules of Node that take milliseconds to load and that few runs need: loaded when something of them is first used. */
const LATE = [
  'http',
  'https',
  'tls',
  'net',
  'child_process',
  'zlib',
  'worker_threads',
  'readline',
  'stream/promises',
  'v8',
];

/**
 * A plugin of esbuild's that stands a module in for each of these whose properties load the real one. The properties are those
 * of the Node that bundles: leave out modules that are asked for what newer ones have.
 * @param {{ readonly require: boolean, readonly except?: readonly string[] }} options whether the bundle has `require`; else
 * Node is asked
 */
export function lateModules(options) {
  const real = 'real:';
  const late = LATE.filter((name) => options.except?.includes(name) !== true);
  return {
    name: 'late-modules',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^(?:node:)?(?:${late.join('|')})$`) }, ({ path }) => ({
        path: path.replace('node:', ''),
        namespace: 'late',
      }));
      onResolve({ filter: /^real:/ }, ({ path }) => ({ path: `node:${path.slice(real.length)}`, external: true }));
      onLoad({ filter: /./, namespace: 'late' }, ({ path }) => {
        const names = Object.keys(createRequire(import.meta.url)(`node:${path}`));
        const getters = names.map((name) => `get ${name}() { return load().${name}; }`);
        const load = options.require ? `require('${real}${path}')` : `process.getBuiltinModule('node:${path}')`;
        return {
          contents: `let module_; const load = () => module_ ??= ${load}; module.exports = { ${getters} };`,
          loader: 'js',
        };
      });
    },
  };
}
