import { NamespacesExecutor } from '../src/executor/namespaces-executor.ts';
import { prepareProcess } from '../src/executor/prepare-process.ts';
import type { RunSpec } from '../src/executor/executor.ts';
import { findRuntime, RuncExecutor } from '../src/executor/runc-executor.ts';

/** A program that runs one command until it is killed. Arguments: kind of executor, its scratch directory, the specification. */
const [kind, scratch = '', spec = ''] = process.argv.slice(2);
const runtime = findRuntime();
const executor =
  kind === 'runc' && runtime !== undefined
    ? new RuncExecutor({ scratch, runtime })
    : new NamespacesExecutor({ scratch });
await prepareProcess(kind === 'runc' ? 'runc' : 'namespaces');
const pass = (stream: NodeJS.WriteStream) => (chunk: Uint8Array) => void stream.write(chunk);
await executor.run(
  JSON.parse(spec) as RunSpec,
  { stdout: pass(process.stdout), stderr: pass(process.stderr) },
  new AbortController().signal,
);
