import type { Use } from './start/load-program.ts';
import { version } from './host/version.ts';

const argv = process.argv.slice(2);

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v' || argv[0] === 'version')) {
  // Costs no more than Node itself.
  process.stdout.write(`tsbuild ${version}\n`);
} else {
  void import('./start/load-program.ts').then(({ runProgram }) => runProgram(use()));
}

/** The code that is kept of one kind of use holds what that use needed. A word that is no command costs milliseconds. */
function use(): Use {
  if (argv[0] === '__container-monitor') return 'monitor';
  if (argv.some((word) => /^(?:--)?push$|type=(?:registry|image)\b/.test(word))) return 'push';
  if (argv.includes('build')) return argv.includes('--load') ? 'load' : 'build';
  return argv.includes('save') ? 'save' : 'other';
}
