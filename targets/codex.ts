import { secret, type TargetConfig } from '../src/index.ts'

/** What differs between hosts of codex. The defaults are those of the shared host. */
export type CodexOptions = {
  /** The checkout that contains both Compose files and `releases/`. */
  readonly root?: string
  /** The folder of image tars, pointers and the history. */
  readonly snapshots?: string
  /** Default, as for Compose: the name of the folder of `file`, unless that or an env file names another. */
  readonly project?: string
  readonly devProject?: string
  /** Relative to `root`, as are the next three. */
  readonly file?: string
  /** `infra/compose/compose.dev.stack.yml` in newer checkouts. */
  readonly devFile?: string
  readonly envFiles?: readonly string[]
  readonly devEnvFiles?: readonly string[]
  /** Name of the image without its tag, such as `ghcr.io/OWNER/NAME`. */
  readonly repository?: string
  /** Start of the bundles' names. Default: the last part of `repository`. */
  readonly name?: string
  /** Installs what an extracted bundle needs; `--ignore-scripts` since `prepare` needs a checkout. */
  readonly install?: readonly string[]
  /**
   * Starts an extracted bundle without going live, such as `['npm', 'run', 'start', '--', '--dry-run']`.
   * Default: none, since a `server.js` without such a switch would listen beside production.
   */
  readonly dryRun?: readonly string[]
  /** Files in each data archive, relative to `.codex-api`. */
  readonly keyFiles?: NonNullable<NonNullable<TargetConfig['data']>['keyFiles']>
  /** Names in `root` that no bundle replaces. */
  readonly keep?: readonly string[]
  /** The smoke test of a drill, run in `root`. */
  readonly smoke?: readonly string[]
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
  file = 'docker-compose.yml',
  devFile = 'compose.dev.stack.yml',
  envFiles = [],
  devEnvFiles = ['.env.dev'],
  repository = 'codex-completions-api',
  url = 'http://127.0.0.1:11435',
  devUrl = 'http://127.0.0.1:18010',
  patience = {},
}: CodexOptions) {
  const at = (path: string): string => `${root}/${path}`
  const health = (name: string, base: string) =>
    [{ name, url: `${base}/healthz`, timeout: '5s', ...patience }] as const
  const prod = {
    kind: 'compose',
    ...(project === undefined ? {} : { project }),
    files: [at(file)],
    envFiles: envFiles.map(at),
  } as const
  const dev = {
    kind: 'compose',
    project: devProject,
    // Its relative paths start here, wherever the file itself is.
    directory: root,
    files: [at(devFile)],
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
    name = place.repository.slice(place.repository.lastIndexOf('/') + 1),
    install = ['npm', 'install', '--omit=dev', '--ignore-scripts'],
    dryRun,
    keyFiles = [{ path: 'config.toml', parse: 'toml' }],
    keep = ['.env', '.env.dev', '.git', '.codex-api'],
    smoke = ['npm', 'run', 'smoke:prod'],
  } = options
  return {
    title: 'codex (prod and dev on one host)',
    objectives: { rto: '15m', rpo: '24h' },
    stack: prod,
    health: environments.prod.health,
    images: { ...place, environments },
    release: { source: root, name },
    publication: { repository: github, token: secret('GITHUB_TOKEN'), api: githubApi },
    // For a commit without a tag, the version in a bundle's name is the commit itself: git-abc1234.
    bundle: {
      directory: place.releases,
      pattern: `${name}-*-{time}.tar.gz`,
      maxAge: '40d',
      install,
      ...(dryRun === undefined ? {} : { dryRun }),
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
      keyFiles,
      ...(quota === undefined ? {} : { quota }),
      mount: { path: drive, ...(sentinel === undefined ? {} : { sentinel }) },
    },
    // Of use where the container mounts the checkout: a bundle is put there, and the smoke test asks the service
    // from outside. A service whose code is in its image is refused.
    drill: { services: ['app'], into: root, keep, smoke },
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
