import { secret, type TargetConfig } from '../src/index.ts'

/** What differs between hosts of codex. The defaults are those of the shared host. */
export type CodexOptions = {
  /** The checkout that contains both Compose files and `releases/`. */
  readonly root?: string
  /** The folder of image tars, pointers and the history. */
  readonly snapshots?: string
  /** Compose defaults to the name of the folder. */
  readonly project?: string
  readonly devProject?: string
  /** Relative to `root`. */
  readonly envFiles?: readonly string[]
  readonly devEnvFiles?: readonly string[]
  readonly repository?: string
  /** `OWNER/NAME` on GitHub, where releases are published. */
  readonly github?: string
  /** Address of GitHub's API, where it is not that of github.com. */
  readonly githubApi?: string
  /** The mounted drive to which the live data folder is backed up. */
  readonly drive?: string
  /**
   * A file that identifies the drive, relative to its mount point: an empty folder or another drive lacks
   * it.
   */
  readonly sentinel?: string
  /** The space that all data archives together may take on the drive. */
  readonly quota?: string
  readonly url?: string
  readonly devUrl?: string
  /** How long a service may take to become healthy, and how often it is asked. */
  readonly patience?: { readonly passes?: number; readonly every?: string; readonly within?: string }
}

function parts({
  root = '/srv/codex',
  snapshots = '~/.cache/codex-backups',
  project,
  devProject = 'codex-dev',
  envFiles = [],
  devEnvFiles = ['.env.dev'],
  repository = 'codex-completions-api',
  url = 'http://127.0.0.1:11435',
  devUrl = 'http://127.0.0.1:18010',
  patience = {},
}: CodexOptions) {
  const at = (file: string): string => `${root}/${file}`
  const health = (name: string, base: string) =>
    [{ name, url: `${base}/healthz`, timeout: '5s', ...patience }] as const
  const prod = {
    kind: 'compose',
    ...(project === undefined ? {} : { project }),
    files: [at('docker-compose.yml')],
    envFiles: envFiles.map(at),
  } as const
  const dev = {
    kind: 'compose',
    project: devProject,
    files: [at('compose.dev.stack.yml')],
    envFiles: devEnvFiles.map(at),
  } as const
  const place = {
    repository,
    snapshots,
    pointers: 'codex-latest-',
    history: 'codex-image-history.jsonl',
    releases: at('releases'),
    keep: 5,
  } as const
  const environments = {
    prod: { service: 'app', tag: 'latest', stack: prod, health: health('prod', url) },
    dev: { service: 'app-dev', tag: 'dev', stack: dev, health: health('dev', devUrl) },
  } as const
  return { prod, dev, place, environments }
}

/** Production and development side by side on one host, as in the document "Stack Recovery". */
export function codex(options: CodexOptions = {}) {
  const { prod, place, environments } = parts(options)
  const {
    root = '/srv/codex',
    drive = '/mnt/gdrive',
    sentinel,
    quota,
    github = 'example/codex-completions-api',
    githubApi = 'https://api.github.com',
  } = options
  const { repository } = place
  return {
    title: 'codex (prod and dev on one host)',
    objectives: { rto: '15m', rpo: '24h' },
    stack: prod,
    health: environments.prod.health,
    images: { ...place, environments },
    release: { source: root, name: repository },
    publication: { repository: github, token: secret('GITHUB_TOKEN'), api: githubApi },
    // For a commit without a tag, the version in a bundle's name is the commit itself: git-abc1234.
    bundle: {
      directory: place.releases,
      pattern: `${repository}-*-{time}.tar.gz`,
      maxAge: '40d',
      install: ['npm', 'install', '--omit=dev'],
      dryRun: ['npm', 'run', 'start', '--', '--dry-run'],
    },
    // The document allows a suffix, and folders by year and day; the script creates folders by day. All are
    // found.
    data: {
      source: `${root}/.codex-api`,
      name: 'codex-api',
      directory: `${drive}/codex-backups`,
      pattern: 'codex-api-*{time}.tar.gz*',
      passphrase: secret('CODEX_BACKUP_GPG_KEY'),
      keep: 3,
      keyFiles: [{ path: 'codex/config.toml', parse: 'toml' }],
      ...(quota === undefined ? {} : { quota }),
      mount: { path: drive, ...(sentinel === undefined ? {} : { sentinel }) },
    },
    // Of use where the container mounts the checkout: a bundle is put there, and `npm run smoke:prod` asks the
    // service from outside. A service whose code is in its image is refused.
    drill: { services: ['app'], into: root, smoke: ['npm', 'run', 'smoke:prod'] },
    staging: `${root}/.staging`,
  } as const satisfies TargetConfig
}

/** The development stack alone. */
export function codexDev(options: CodexOptions = {}) {
  const { dev, place, environments } = parts(options)
  return {
    title: 'codex (dev)',
    objectives: { rto: '1h' },
    stack: dev,
    health: environments.dev.health,
    images: { ...place, environments: { dev: environments.dev } },
  } as const satisfies TargetConfig
}
