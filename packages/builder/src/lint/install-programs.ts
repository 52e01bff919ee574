/** What a program installs with. */
export interface InstallProgram {
  /** Commands of one tool do the same work: after the first, a later one has little left to do. */
  readonly tool: string;
  /** The subcommand, its words with blanks between them, that installs. */
  readonly installs: RegExp;
  /** What it is told of: the project's own lists of what it needs, names on the command line, or either. */
  readonly reads: 'project' | 'names' | 'either';
  /** Options whose next word is their value. */
  readonly valued?: RegExp;
  /** Options that install for the whole machine: names alone. */
  readonly global?: RegExp;
}

const NODE = { tool: 'npm', reads: 'project', global: /^(?:-g|--global|--location=global)$/ } as const;
const PIP = {
  tool: 'pip',
  reads: 'either',
  valued: /^(?:-[ctif]|--(?:constraint|target|index-url|extra-index-url|find-links|prefix|trusted-host|timeout))$/,
} as const;
const APT = { tool: 'apt', reads: 'names', installs: /^install$/, valued: /^-[otca]$/ } as const;
const DNF = { tool: 'dnf', reads: 'names', installs: /^(?:install|groupinstall)$/ } as const;
const CONDA = {
  tool: 'conda',
  reads: 'either',
  installs: /^(?:install|env create|env update|create)$/,
  valued: /^(?:-[cnp]|--(?:channel|name|prefix))$/,
} as const;
const GRADLE = { tool: 'gradle', reads: 'project', installs: /^(?:dependencies|resolveDependencies)$/ } as const;
const MAVEN = { tool: 'maven', reads: 'project', installs: /^(?:dependency:\S*(?:go-offline|resolve)\S*)$/ } as const;

/** Programs that install what a project needs, by name. */
export const INSTALL_PROGRAMS: Readonly<Record<string, InstallProgram>> = {
  npm: { ...NODE, installs: /^(?:ci|clean-install|install|i|add)$/ },
  pnpm: { ...NODE, installs: /^(?:install|i|add|fetch)$/ },
  yarn: { ...NODE, installs: /^(?:install|add|global add)?$/ },
  bun: { ...NODE, installs: /^(?:install|i|add)$/ },
  pip: { ...PIP, installs: /^install$/ },
  pip3: { ...PIP, installs: /^install$/ },
  poetry: { tool: 'pip', reads: 'project', installs: /^install$/ },
  pipenv: { tool: 'pip', reads: 'project', installs: /^(?:install|sync)$/ },
  pdm: { tool: 'pip', reads: 'project', installs: /^(?:install|sync)$/ },
  uv: { ...PIP, installs: /^(?:sync|pip install|pip sync)$/ },
  conda: CONDA,
  mamba: CONDA,
  micromamba: CONDA,
  'apt-get': APT,
  apt: APT,
  apk: { tool: 'apk', reads: 'names', installs: /^add$/, valued: /^(?:-[tX]|--(?:virtual|repository))$/ },
  dnf: DNF,
  microdnf: DNF,
  yum: DNF,
  zypper: { tool: 'zypper', reads: 'names', installs: /^(?:install|in)$/ },
  bundle: { tool: 'bundle', reads: 'project', installs: /^install$/ },
  gem: { tool: 'gem', reads: 'names', installs: /^install$/, valued: /^(?:-[vi]|--version)$/ },
  composer: { tool: 'composer', reads: 'project', installs: /^install$/ },
  cargo: { tool: 'cargo', reads: 'project', installs: /^fetch$/ },
  go: { tool: 'go', reads: 'project', installs: /^mod download$/ },
  dotnet: { tool: 'dotnet', reads: 'project', installs: /^restore$/ },
  mix: { tool: 'mix', reads: 'project', installs: /^deps\.get$/ },
  gradle: GRADLE,
  gradlew: GRADLE,
  mvn: MAVEN,
  mvnw: MAVEN,
}; // biome-ignore format: one program a line

/** Tools that are installed to install with, in a second or two: no dependencies of the project. */
export const INSTALLERS: ReadonlySet<string> = new Set([
  'npm', 'pnpm', 'yarn', 'corepack', 'bun', 'pip', 'setuptools', 'wheel', 'poetry', 'pipenv', 'uv', 'pdm', 'hatch',
  'pip-tools', 'virtualenv', 'build', 'bundler', 'conda', 'mamba',
]); // biome-ignore format: a list of names

/** What copies bring along from other stages, and which tool has nothing to install then. */
export const INSTALLED_FILES: readonly (readonly [name: RegExp, tools: readonly string[]])[] = [
  [/(?:^|\/)(?:node_modules|\.pnpm-store|\.yarn)$/, ['npm']],
  [/(?:^|\/)(?:\.?venv|site-packages|wheels?|wheelhouse|\.local)$|^\/?opt\/[^/]*venv|^\/install$/, ['pip']],
  [/(?:^|\/)(?:envs|conda|miniconda3?)$/, ['conda']],
  [/(?:^|\/)vendor$/, ['composer', 'bundle', 'go', 'cargo']],
  [/(?:^|\/)usr\/local\/bundle$|(?:^|\/)\.bundle$/, ['bundle']],
  [/(?:^|\/)(?:go\/pkg|pkg\/mod)$|^\/?go$/, ['go']],
  [/(?:^|\/)(?:target|\.cargo|cargo\/registry)$/, ['cargo']],
  [/(?:^|\/)(?:\.m2|repository)$/, ['maven']],
  [/(?:^|\/)\.gradle$/, ['gradle']],
  [/(?:^|\/)(?:\.nuget|packages)$/, ['dotnet']],
  [/(?:^|\/)deps$/, ['mix']],
];
