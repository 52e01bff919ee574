import type { SourceTree } from '../context/source-tree.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { copyStep } from '../ops/copy/copy.ts';
import type { CopyRequest } from '../ops/copy/copy-request.ts';
import { EMPTY_ROOTFS } from '../ops/rootfs.ts';
import type { LoweringContext, NewStep } from './stage-state.ts';

/** The files of a named context as a filesystem, where only one will do: the base of a stage, the start of a cache mount. */
export function contextStep(
  files: { readonly tree: () => SourceTree; readonly name?: string },
  range: SourceRange,
  { dependencies, ignoreCache }: LoweringContext,
): NewStep {
  const request: Omit<CopyRequest, 'id'> = {
    range,
    parent: { kind: 'constant', value: EMPTY_ROOTFS },
    from: { ...files, kind: 'context' },
    sources: [{ kind: 'paths', pattern: '.', unpack: false }],
    destination: '/',
    workingDirectory: '/',
    chown: undefined,
    chmod: undefined,
    excludes: [],
    parents: false,
    link: false,
    ignoreCache,
  };
  return { request, make: (id) => copyStep({ ...request, id }, dependencies) };
}
