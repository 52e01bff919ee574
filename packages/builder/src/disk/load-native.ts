import { type Native, programsNative } from '@tsbuild/oci/internal';

let loaded: Promise<Native> | undefined;

/** The library where koffi is installed, else the programs. Loaded once, when first needed. */
export function loadNative(): Promise<Native> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Native> {
  try {
    const { libraryNative } = await import('./native-library.ts');
    return await libraryNative();
  } catch {
    // koffi is an optional dependency, and has no binary for some platforms.
    return programsNative();
  }
}
