import { version } from './version.ts';

const argv = process.argv.slice(2);

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v' || argv[0] === 'version')) {
  // Costs no more than Node itself.
  process.stdout.write(`tsbuild ${version}\n`);
} else {
  // The code that is kept of one kind of use holds what that use needed.
  const use = argv[0] === '__container-monitor' ? 'monitor' : argv.includes('build') ? 'build' : 'other';
  void import('./load-program.ts').then(({ runProgram }) => runProgram(use));
}
