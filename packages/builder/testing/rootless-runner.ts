import { runInUserNamespace } from '../src/executor/user-namespace.ts';

/** Runs the program in the arguments as the CLI runs itself: in a user namespace. What it warns of goes to stderr. */
process.exitCode = await runInUserNamespace(
  process.argv.slice(2),
  (text) => void process.stderr.write(`warning: ${text}\n`),
);
