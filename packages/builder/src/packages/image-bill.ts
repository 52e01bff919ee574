import type { BillOfMaterials, ByteString } from '@tsbuild/oci';
import { printablePath } from '../ops/listing.ts';
import type { ImagePackages } from './image-packages.ts';
import { originText } from './package-origin.ts';

/** What a document says of itself beside the packages. */
export type BillSubject = Pick<BillOfMaterials, 'name' | 'digest' | 'created' | 'tool'>;

/** The packages of an image as its bill of materials lists them; nothing in it depends on this machine or the time. */
export function imageBill(found: ImagePackages, subject: BillSubject): BillOfMaterials {
  const { packages, gaps, distribution, diffIDs, dockerfile = 'Dockerfile' } = found;
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
    gaps: gaps.map(gapText),
  };
}

/** Something that could not be read, in one line: `/var/lib/rpm/Packages: rpm's database of Berkeley DB is not read`. */
export function gapText({ path, reason }: { readonly path: ByteString; readonly reason: string }): string {
  return `/${printablePath(path)}: ${reason}`;
}
