import { Layout } from '@tsbuild/oci/node';

/** The images of the store at `root`, which is made when it is missing. */
export function openLayout(root: string): Promise<Layout> {
  return Layout.open(root, { create: true });
}
