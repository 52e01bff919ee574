import { Interrupted } from '../host/usage-error.ts';
import { EXIT_BY_SIGNAL } from '../host/exit-code.ts';
import type { Host } from '../host/host.ts';

/**
 * Shows an error on standard error and returns the exit code for it. After an interruption whatever failed is only its
 * consequence and is not shown.
 */
export async function reportError(error: unknown, host: Host, options: { readonly debug: boolean }): Promise<number> {
  // Ctrl-C while a terminal is in raw mode, at the question for a password, is no signal but an error.
  const interruption = interruptionOf(host.signal) ?? (error instanceof Interrupted ? error : undefined);
  if (interruption !== undefined) {
    host.stderr.write('interrupted\n');
    return EXIT_BY_SIGNAL[interruption.signal];
  }
  // Loaded here, so that a command that succeeds does not pay for it.
  const { diagnose, renderDiagnostic } = await import('./diagnostic.ts');
  const { usesColour } = await import('./colour.ts');
  const { styled } = await import('./safe-stream.ts');
  const diagnostic = diagnose(error, options);
  host.stderr.write(styled(renderDiagnostic(diagnostic, { colour: usesColour(host.stderr, host.env) })));
  return diagnostic.exitCode;
}

/** The signal that ended the command, if one did. */
export function interruptionOf(signal: AbortSignal): Interrupted | undefined {
  return signal.aborted && signal.reason instanceof Interrupted ? signal.reason : undefined;
}
