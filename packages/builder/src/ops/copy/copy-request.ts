import type { Digest } from '@tsbuild/oci';
import type { SourceTree } from '../../context/source-tree.ts';
import type { SourceRange } from '../../diagnostics/source-file.ts';
import type { Vertex } from '../../solver/vertex.ts';
import type { ModeOption } from './file-mode.ts';
import type { GitReference } from '../add/git-reference.ts';
import type { LayerOutput, Rootfs } from '../rootfs.ts';

/** One source of COPY or ADD, with everything expanded. */
export type CopySource =
  | {
      /** Paths of the context or stage. */
      readonly kind: 'paths';
      readonly pattern: string;
      /** Take files that are archives apart. */
      readonly unpack: boolean;
    }
  | { readonly kind: 'heredoc'; readonly name: string; readonly text: string }
  | {
      readonly kind: 'url';
      readonly url: string;
      /** What the file is called. */
      readonly name: string;
      readonly checksum: Digest | undefined;
      readonly unpack: boolean;
    }
  | { readonly kind: 'git'; readonly reference: GitReference };

/** A source that names paths. */
export type PathsSource = Extract<CopySource, { readonly kind: 'paths' }>;

/** What of a COPY or ADD decides its listing as it is written: `copy-question.ts` tells each field. */
export interface CopyFlags {
  readonly destination: string;
  readonly workingDirectory: string;
  readonly chown: string | undefined;
  readonly chmod: ModeOption | undefined;
  /** Patterns as in .dockerignore, relative to what is copied. */
  readonly excludes: readonly string[];
  /** Keep the directories of the sources' paths (`--parents`). */
  readonly parents: boolean;
  /** A layer of its own that knows nothing of the files below it (`--link`). */
  readonly link: boolean;
}

/** What decides the listing by its content: filesystems and files, which `copy-question.ts` tells by digests of them. */
export interface CopyInputs {
  readonly parent: Vertex<Rootfs, LayerOutput>;
  readonly from: /** `name`: of a named context. */
    | { readonly kind: 'context'; readonly tree: () => SourceTree; readonly name?: string }
    | { readonly kind: 'stage'; readonly rootfs: Vertex<Rootfs, LayerOutput> };
  /** In the order in which they are copied. */
  readonly sources: readonly CopySource[];
}

/** What does not decide the listing: names, places, and whether the cache is asked. */
interface CopyCircumstances {
  readonly id: string;
  readonly range: SourceRange;
  readonly ignoreCache: boolean;
}

/**
 * A COPY or ADD with everything expanded. A new field belongs into one of the three: one that decides the listing and is
 * not told there would recall the listing of another copy as a hit, and is a type error in `copy-question.ts`.
 */
export type CopyRequest = CopyFlags & CopyInputs & CopyCircumstances;
