import type { Command } from '../grammar/command.ts';

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
    load: async () => (await import('./build/build.ts')).buildCommand,
  },
  images: {
    summary: 'List images',
    load: async () => (await import('./image/images.ts')).imagesCommand,
  },
  inspect: {
    summary: 'Show details of containers and images as JSON',
    load: async () => (await import('./image/inspect.ts')).inspectCommand,
  },
  history: {
    summary: 'Show the history of an image',
    load: async () => (await import('./image/history.ts')).historyCommand,
  },
  layers: {
    summary: 'Show what makes an image large: layers, files and waste, with the Dockerfile lines',
    load: async () => (await import('./image/layers.ts')).layersCommand,
  },
  explore: {
    summary: 'Show an image as a web page: layers, files, waste, its build',
    load: async () => (await import('./image/explore.ts')).exploreCommand,
  },
  tag: {
    summary: 'Add a name to an image',
    load: async () => (await import('./image/tag.ts')).tagCommand,
  },
  rmi: {
    summary: 'Remove image names, and images that have no name left',
    load: async () => (await import('./image/rmi.ts')).rmiCommand,
  },
  save: {
    summary: 'Write images to an archive that docker load accepts',
    load: async () => (await import('./image/save.ts')).saveCommand,
  },
  load: {
    summary: 'Read images from an archive of docker save or an OCI archive',
    load: async () => (await import('./image/load.ts')).loadCommand,
  },
  import: {
    summary: 'Create an image from a root filesystem in a tar archive',
    load: async () => (await import('./image/import.ts')).importCommand,
  },
  pull: {
    summary: 'Pull an image from a registry',
    load: async () => (await import('./registry/pull.ts')).pullCommand,
  },
  push: {
    summary: 'Push an image to the registry in its name',
    load: async () => (await import('./registry/push.ts')).pushCommand,
  },
  doctor: {
    summary: 'Report what this machine supports and what is missing',
    load: async () => (await import('./system/doctor.ts')).doctorCommand,
  },
  explain: {
    summary: 'Explain an error by its code, or list all codes',
    load: async () => (await import('./explain/explain.ts')).explainCommand,
  },
  login: {
    summary: 'Log in to a registry',
    load: async () => (await import('./registry/login.ts')).loginCommand,
  },
  logout: {
    summary: 'Log out of a registry',
    load: async () => (await import('./registry/logout.ts')).logoutCommand,
  },
  run: {
    summary: 'Run a command in a new container',
    load: async () => (await import('./container/run.ts')).runCommand,
  },
  ps: {
    summary: 'List containers',
    load: async () => (await import('./container/ps.ts')).psCommand,
  },
  logs: {
    summary: 'Show the output of a container',
    load: async () => (await import('./container/logs.ts')).logsCommand,
  },
  exec: {
    summary: 'Run another command in a running container',
    load: async () => (await import('./container/exec.ts')).execCommand,
  },
  attach: {
    summary: 'Attach to the input and output of a running container',
    load: async () => (await import('./container/attach.ts')).attachCommand,
  },
  start: {
    summary: 'Start stopped containers',
    load: async () => (await import('./container/start.ts')).startCommand,
  },
  stop: {
    summary: 'Stop containers gracefully',
    load: async () => (await import('./container/stop.ts')).stopCommand,
  },
  restart: {
    summary: 'Restart containers',
    load: async () => (await import('./container/restart.ts')).restartCommand,
  },
  pause: {
    summary: 'Suspend the processes of containers',
    load: async () => (await import('./container/pause.ts')).pauseCommand,
  },
  unpause: {
    summary: 'Resume the processes of paused containers',
    load: async () => (await import('./container/pause.ts')).unpauseCommand,
  },
  kill: {
    summary: 'Send a signal to running containers',
    load: async () => (await import('./container/kill.ts')).killCommand,
  },
  wait: {
    summary: 'Wait for containers to exit',
    load: async () => (await import('./container/wait.ts')).waitCommand,
  },
  rm: {
    summary: 'Remove containers',
    load: async () => (await import('./container/rm.ts')).rmCommand,
  },
  create: {
    summary: 'Create a container without starting it',
    load: async () => (await import('./container/create.ts')).createCommand,
  },
  commit: {
    summary: 'Create an image from the changes of a container',
    load: async () => (await import('./container/commit.ts')).commitCommand,
  },
  diff: {
    summary: 'List the files that a container changed',
    load: async () => (await import('./container/diff.ts')).diffCommand,
  },
  cp: {
    summary: 'Copy files between a container and this machine',
    load: async () => (await import('./container/cp.ts')).cpCommand,
  },
  export: {
    summary: 'Export the files of a container as a tar archive',
    load: async () => (await import('./container/export.ts')).exportCommand,
  },
  rename: {
    summary: 'Rename a container',
    load: async () => (await import('./container/rename.ts')).renameCommand,
  },
  port: {
    summary: 'List the published ports of a container',
    load: async () => (await import('./container/port.ts')).portCommand,
  },
  top: {
    summary: 'List the processes of a container',
    load: async () => (await import('./container/top.ts')).topCommand,
  },
  'container prune': {
    summary: 'Remove all stopped containers',
    load: async () => (await import('./container/container-prune.ts')).containerPruneCommand,
  },
  'volume create': {
    summary: 'Create a volume',
    load: async () => (await import('./volume/volume-create.ts')).volumeCreateCommand,
  },
  'volume inspect': {
    summary: 'Show details of volumes as JSON',
    load: async () => (await import('./volume/volume-inspect.ts')).volumeInspectCommand,
  },
  'volume ls': {
    summary: 'List volumes',
    load: async () => (await import('./volume/volume-ls.ts')).volumeLsCommand,
  },
  'volume prune': {
    summary: 'Remove unused anonymous volumes',
    load: async () => (await import('./volume/volume-prune.ts')).volumePruneCommand,
  },
  'volume rm': {
    summary: 'Remove volumes that no container uses',
    load: async () => (await import('./volume/volume-rm.ts')).volumeRmCommand,
  },
  'cache ls': {
    summary: 'List the build cache',
    load: async () => (await import('./cache/cache-ls.ts')).cacheLsCommand,
  },
  'cache prune': {
    summary: 'Remove entries of the build cache',
    load: async () => (await import('./cache/cache-prune.ts')).cachePruneCommand,
  },
  'cache verify': {
    summary: 'Check the records of a shared cache',
    load: async () => (await import('./cache/cache-verify.ts')).cacheVerifyCommand,
  },
  'cache keygen': {
    summary: 'Make a key that signs the records of a shared cache',
    load: async () => (await import('./cache/cache-keygen.ts')).cacheKeygenCommand,
  },
  'cache explain': {
    summary: 'Explain why the steps of the last build ran again',
    load: async () => (await import('./cache/cache-explain.ts')).cacheExplainCommand,
  },
  'builds ls': {
    summary: 'List the last builds',
    load: async () => (await import('./builds/builds-ls.ts')).buildsLsCommand,
  },
  'builds inspect': {
    summary: 'Show a build: the slowest steps, the critical path, and why each step ran',
    load: async () => (await import('./builds/builds-inspect.ts')).buildsInspectCommand,
  },
  'builds compare': {
    summary: 'Compare two builds: the first step that differs, and why',
    load: async () => (await import('./builds/builds-compare.ts')).buildsCompareCommand,
  },
  'builds trace': {
    summary: 'Write a build as a trace for Perfetto, or for OpenTelemetry',
    load: async () => (await import('./builds/builds-trace.ts')).buildsTraceCommand,
  },
  fsck: {
    summary: 'Verify the store, and repair it',
    load: async () => (await import('./system/fsck.ts')).fsckCommand,
  },
  'cache export-mount': {
    summary: 'Write the content of a cache mount as a tar archive',
    load: async () => (await import('./cache/cache-mount.ts')).exportMountCommand,
  },
  'cache import-mount': {
    summary: 'Put the content of a tar archive into a cache mount',
    load: async () => (await import('./cache/cache-mount.ts')).importMountCommand,
  },
  'image copy': {
    summary: 'Copy an image with all platforms, attestations and signatures between registries and OCI layouts',
    load: async () => (await import('./image/image-copy.ts')).imageCopyCommand,
  },
  'image diff': {
    summary: 'Compare the packages of two images: added, upgraded, removed, and by which Dockerfile lines',
    load: async () => (await import('./image/image-diff.ts')).imageDiffCommand,
  },
  'image index': {
    summary: 'Make a multi-platform image from images that were built for one platform each',
    load: async () => (await import('./image/image-index.ts')).imageIndexCommand,
  },
  'image keygen': {
    summary: 'Make a key pair that signs images',
    load: async () => (await import('./image/image-keygen.ts')).imageKeygenCommand,
  },
  'image sign': {
    summary: 'Sign an image in a registry with a private key',
    load: async () => (await import('./image/image-sign.ts')).imageSignCommand,
  },
  'image verify': {
    summary: 'Verify the signature of an image, or that a checkout is what an image was built from',
    load: async () => (await import('./image/image-verify.ts')).imageVerifyCommand,
  },
  'image packages': {
    summary: 'List the packages of an image, and the Dockerfile lines that installed them',
    load: async () => (await import('./image/image-packages.ts')).imagePackagesCommand,
  },
  'image prune': {
    summary: 'Remove images without a name',
    load: async () => (await import('./image/image-prune.ts')).imagePruneCommand,
  },
  'system prune': {
    summary: 'Remove containers, images and build cache that nothing uses',
    load: async () => (await import('./system/system-prune.ts')).systemPruneCommand,
  },
  info: {
    summary: 'Show how many containers and images there are, and where',
    load: async () => (await import('./system/info.ts')).infoCommand,
  },
  'system df': {
    summary: 'Show the disk usage of images and the build cache',
    load: async () => (await import('./system/system-df.ts')).systemDfCommand,
  },
  completion: {
    summary: 'Print a shell completion script',
    load: async () => (await import('./completion/completion.ts')).completionCommand,
  },
};
