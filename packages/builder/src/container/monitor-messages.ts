import type { TerminalSize } from '../executor/executor.ts';
import type { ExecRequest } from './run-spec.ts';

/** What a command asks a container's monitor. */
export type MonitorRequest =
  /** Start the container; on a connection that attaches, output comes from the first byte on. */
  | { readonly ask: 'start'; readonly size?: TerminalSize | undefined }
  /** Get the container's output, and give it input (`input`). */
  | { readonly ask: 'attach'; readonly input: boolean }
  | { readonly ask: 'exec'; readonly request: ExecRequest; readonly input: boolean }
  | { readonly ask: 'signal'; readonly signal: string }
  | { readonly ask: 'wait' }
  | { readonly ask: 'pause' | 'resume' }
  /** On a connection that attaches or executes. */
  | { readonly ask: 'resize'; readonly size: TerminalSize }
  | { readonly ask: 'end-input' };

/** What it answers. */
export type MonitorReply =
  | { readonly say: 'started' }
  | { readonly say: 'done' }
  | { readonly say: 'failed'; readonly message: string; readonly code?: string; readonly hint?: string | undefined }
  /** The container, or what `exec` ran, has ended; nothing comes after. */
  | { readonly say: 'exited'; readonly exitCode: number; readonly startFailure?: string | undefined };
