import type { BillOfMaterials, ByteString } from '@tsbuild/oci';
import { printablePath } from '../ops/listing.ts';
import type { ImagePackages } from './image-packages.ts';
import { originText } from './package-origin.ts';

/** What a document says of itself beside the packages. */
export type BillSubject = Pick<BillOfMaterials, 'name' | 'digest' | 'created' | 'tool'>;

/** The packages of an image as its bill of materials lists them; nothing in it depends on this machine or the time. */
export function imageBill(found: ImagePackages, subject: BillSubject): BillOfMaterials {
  const { packages, gaps, programs, distribution, diffIDs, dockerfile = 'Dockerfile' } = found;
  return {
    ...subject,
    ...(distribution !== undefined && { distribution }),
    packages: packages.map(({ path, origin, layer, ...one }) => {
      const [diffID, text] = [diffIDs[layer], originText(origin, dockerfile)];
      return {
        ...one,
        path: printablePath(path),
        ...(diffID !== undefined && { layer: diffID }),
        ...(text !== undefined && { origin: text }),
      };
    }),
    gaps: [...gaps.map(gapText), ...silentText(programs)],
  };
}

/** Something that could not be read, in one line: `/var/lib/rpm/Packages: rpm's database of Berkeley DB is not read`. */
export function gapText({ path, reason }: { readonly path: ByteString; readonly reason: string }): string {
  return `/${printablePath(path)}: ${reason}`;
}

/** So many programs are named. */
const NAMED = 3;

/** Programs of which no package is known, as a list of at most one line. */
export function silentText(programs: readonly ByteString[]): readonly string[] {
  if (programs.length === 0) return [];
  const names = programs.slice(0, NAMED).map((path) => `/${printablePath(path)}`);
  const more = programs.length - names.length;
  const what =
    programs.length === 1 ? '1 program of no known package' : `${programs.length} programs of no known package`;
  return [`${what}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}
