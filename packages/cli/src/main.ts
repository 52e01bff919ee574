import { version } from './version.ts';

const argv = process.argv.slice(2);

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v' || argv[0] === 'version')) {
  process.stdout.write(`tsbuild ${version}\n`);
} else if (argv[0] === '__container-monitor') {
  // Not for people: `tsbuild run` starts itself in this way to look after a container.
  void import('./monitor-process.ts').then(({ runMonitorProcess }) => runMonitorProcess(argv.slice(1), process));
} else {
  // Loaded only now: the version above costs no more than Node itself. Its failures end the process by themselves.
  void import('./process.ts').then(({ runProcess }) => runProcess(argv, process));
}
