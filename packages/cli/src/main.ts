import { version } from './version.ts';

const argv = process.argv.slice(2);

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v' || argv[0] === 'version')) {
  process.stdout.write(`tsbuild ${version}\n`);
} else {
  const { runProcess } = await import('./process.ts');
  await runProcess(argv, process);
}
