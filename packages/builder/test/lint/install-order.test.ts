import { describe, expect, it } from 'vitest';
import { installCommands } from '../../src/lint/install-command.ts';
import { lintOf, rulesOf } from './lint-of.ts';

const after = (copy: string, run: string): readonly string[] => rulesOf(`FROM node\nWORKDIR /app\n${copy}\n${run}\n`);

describe('CopyBeforeInstall', () => {
  it('says what runs again, and where', () => {
    expect(lintOf('FROM node\nCOPY . .\nENV A=1\nRUN npm ci && npm run build')).toEqual([
      '2 CopyBeforeInstall: everything is copied before "npm ci" (line 4): any changed file runs it again. Copy the files that it reads first (such as its lock file), and the rest after it',
    ]);
  });

  it.each([
    'npm ci', 'npm install', 'pnpm install --frozen-lockfile', 'yarn', 'yarn install --immutable', 'bun install',
    'pip install -r requirements.txt', 'python3 -m pip install --no-cache-dir flask', 'poetry install', 'uv sync',
    'apt-get update && apt-get install -y curl', 'apk add --no-cache git', 'dnf install -y git', 'bundle install',
    'composer install', 'go mod download', 'cargo fetch', 'cd x && CI=1 npm ci', '(npm ci)', 'dotnet restore',
    'conda env create -f environment.yml', 'mix deps.get', './mvnw dependency:go-offline', 'uv pip install -r r.txt',
    '<<EOF\nset -e\nnpm ci\nEOF',
  ])('fires for RUN %s', (command) => {
    expect(after('COPY . .', `RUN ${command}`)).toEqual(['CopyBeforeInstall']);
  }); // biome-ignore format: a list of commands

  it.each([
    'npm run build', 'npm test', 'yarn build', 'yarn --version', 'pip install .', 'pip install -e ".[dev]"',
    'pip install ./wheels/x.whl', 'go build ./...', 'cargo build --release', 'apt-get update', 'echo "npm install"',
    'npm i -g pnpm', 'pip install --upgrade pip', 'npm install --global corepack yarn@1', 'dotnet publish', 'mvn package',
    'apt-get install -y ./x.deb', 'make install', 'npm --version', 'cp npm ci /', 'dnf install -y /app/x.rpm',
  ])('is silent for RUN %s', (command) => {
    expect(after('COPY . .', `RUN ${command}`)).toEqual([]);
  }); // biome-ignore format: a list of commands

  it.each([
    'COPY package.json package-lock.json ./', 'COPY src ./src', 'COPY --from=build . .', 'COPY --exclude=src . .',
    'COPY <<EOF /x\nEOF',
  ])('is silent behind %s', (copy) => {
    expect(after(copy, 'RUN npm ci')).toEqual([]);
  }); // biome-ignore format: a list of commands

  it('is silent for well-ordered Dockerfiles', () => {
    expect(after('COPY package*.json ./\nRUN npm ci\nCOPY . .', 'RUN npm run build && npm ci --omit=dev')).toEqual([]);
    expect(after('COPY . .', 'RUN --mount=type=cache,target=/root/.npm npm ci')).toEqual([]);
    expect(rulesOf('FROM node AS deps\nRUN npm ci\nFROM deps\nCOPY . .\nRUN npm ci')).toEqual([]);
    expect(rulesOf('FROM node AS a\nCOPY . .\nFROM node\nRUN npm ci')).toEqual([]);
    expect(rulesOf('FROM node\nCOPY . .\nRUN npm ci', { ignore: '*\n!package*.json' })).toEqual([]);
    expect(rulesOf('FROM node\nCOPY . .\nRUN ["npm", "ci"]')).toEqual([]);
    expect(rulesOf('FROM node\n# check=skip=CopyBeforeInstall\nCOPY . .\nRUN npm ci')).toEqual([]);
  });

  it('finds commands where a shell would', () => {
    const tools = (text: string) => installCommands(text).map(({ tool, shown }) => `${tool}: ${shown}`);
    expect(tools('apt-get update; sudo apt-get install -y x || /usr/bin/npm ci')).toEqual([
      'apt: apt-get install',
      'npm: npm ci',
    ]);
    expect(tools('')).toEqual([]);
  });
});
