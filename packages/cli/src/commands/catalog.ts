import type { Command } from '../command.ts';

/** A command as the dispatcher and the help know it before its file is loaded. */
export interface CatalogEntry {
  readonly summary: string;
  /** Imports the command's file: a run loads the one command it needs. */
  readonly load: () => Promise<Command>;
}

/** Every command by name, in the order of the help. */
export const catalog: Readonly<Record<string, CatalogEntry>> = {
  build: {
    summary: 'Build an image from a Dockerfile',
    load: async () => (await import('./build.ts')).buildCommand,
  },
  images: {
    summary: 'List images',
    load: async () => (await import('./images.ts')).imagesCommand,
  },
  inspect: {
    summary: 'Show everything that is known of images, as JSON',
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  history: {
    summary: 'Show the steps that made an image',
    load: async () => (await import('./history.ts')).historyCommand,
  },
  tag: {
    summary: 'Give an image another name',
    load: async () => (await import('./tag.ts')).tagCommand,
  },
  rmi: {
    summary: 'Remove names of images, and images without names',
    load: async () => (await import('./rmi.ts')).rmiCommand,
  },
  save: {
    summary: 'Write images to an archive that docker load accepts',
    load: async () => (await import('./save.ts')).saveCommand,
  },
  load: {
    summary: 'Read images from an archive of docker save or an OCI archive',
    load: async () => (await import('./load.ts')).loadCommand,
  },
  import: {
    summary: 'Make an image from a root filesystem in a tar archive',
    load: async () => (await import('./import.ts')).importCommand,
  },
  pull: {
    summary: 'Fetch an image from a registry',
    load: async () => (await import('./pull.ts')).pullCommand,
  },
  push: {
    summary: 'Send an image to the registry that its name tells',
    load: async () => (await import('./push.ts')).pushCommand,
  },
  doctor: {
    summary: 'Say what this machine offers, and what is missing',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  login: {
    summary: 'Log in to a registry',
    load: async () => (await import('./login.ts')).loginCommand,
  },
  logout: {
    summary: 'Log out of a registry',
    load: async () => (await import('./logout.ts')).logoutCommand,
  },
  'cache export-mount': {
    summary: 'Write the content of a cache mount as a tar archive',
    load: async () => (await import('./cache-mount.ts')).exportMountCommand,
  },
  'cache import-mount': {
    summary: 'Put the content of a tar archive into a cache mount',
    load: async () => (await import('./cache-mount.ts')).importMountCommand,
  },
};

/** Docker's noun forms: `tsbuild image ls` is `tsbuild images`. */
export const nouns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  image: {
    build: 'build',
    history: 'history',
    import: 'import',
    inspect: 'inspect',
    list: 'images',
    load: 'load',
    ls: 'images',
    pull: 'pull',
    push: 'push',
    rm: 'rmi',
    remove: 'rmi',
    save: 'save',
    tag: 'tag',
  },
  cache: { 'export-mount': 'cache export-mount', 'import-mount': 'cache import-mount' },
  builder: { build: 'build' },
  buildx: { build: 'build' },
};

/** Commands and nouns of docker's that are planned, so that they fail with a better word than "unknown". */
export const later: readonly string[] = [
  'commit',
  'completion',
  'container',
  'diff',
  'doctor',
  'exec',
  'explore',
  'fsck',
  'logs',
  'ps',
  'rm',
  'run',
  'search',
  'start',
  'stop',
  'system',
];
