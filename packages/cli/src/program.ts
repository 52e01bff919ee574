import { runProcess } from './start/process.ts';

const argv = process.argv.slice(2);

// Their failures end the process by themselves.
if (argv[0] === '__container-monitor') {
  // Not for people: `tsbuild run` starts itself in this way to look after a container.
  void import('./container/monitor-process.ts').then(({ runMonitorProcess }) =>
    runMonitorProcess(argv.slice(1), process),
  );
} else {
  void runProcess(argv, process);
}
