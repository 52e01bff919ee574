import { runProcess } from './process.ts';

// Its failures end the process by themselves.
void runProcess(process.argv.slice(2), process);
