// Generated from the schemas by `npm run generate`; do not edit.
import type { Json, JsonObject } from '../kernel/json.ts'
import type { Duration, Size } from '../sections/parts/quantities.ts'
import type { SecretSource } from '../sections/parts/secret.ts'

/** Relative paths start at the folder of `runbook.config.ts`; `~` is the home folder. `runbook help config` describes every setting. */
export type Config = {
  /** Folders with the team's runbooks, one file each. The runbooks of this package are always available. Default: `['./runbooks']`, which may be missing. */
  readonly runbooks?: readonly string[]
  /** Folder for the evidence of runs. Default: `'./artifacts'`. */
  readonly artifacts?: string
  /** Folder for the journal. A run can only be resumed with the journal that it began with. Default: `$XDG_STATE_HOME/runbook`, else `~/.local/state/runbook`. */
  readonly state?: string
  /** Story files that get one line for each run that names them. Default: no story file is written. */
  readonly stories?: {
    /** Path of the Markdown file of a story; `{story}` is what `--story` gives. */
    readonly files: string
  }
  /** The target to use if `--target` is not given. Default: the only target; with more than one, `--target` is required. */
  readonly defaultTarget?: string
  /** The systems by name: lowercase letters, digits and single hyphens. */
  readonly targets: { readonly [name: string]: TargetConfig }
}

/** One system. Each section is optional; a runbook says which it needs. `runbook help config SECTION` describes one. */
export type TargetConfig = {
  /** The system as operators call it, for plans and reports. Default: the target's name. */
  readonly title?: string
  /** What reports compare the measured times with. Default: times are measured but not judged. */
  readonly objectives?: {
    /** Recovery time objective: longest time from the start of a run to the service being up. Default: the time is measured but not judged. */
    readonly rto?: Duration
    /** Recovery point objective: longest period of data that may be lost. Default: the loss is measured but not judged. */
    readonly rpo?: Duration
  }
  /** Where the services run: a Docker Compose project, or plain processes. Required by every section that names services. */
  readonly stack?: {
    /** Services in containers of a Docker Compose project. */
    readonly kind: 'compose'
    /** Name of the Compose project, as `docker compose ls` shows it. Default: as for `docker compose` itself: `COMPOSE_PROJECT_NAME` in its env files, else the `name` in the files, else that of `directory`. */
    readonly project?: string
    /** Folder against which Compose resolves relative paths in its files. Default: the folder of the first file, as for `docker compose` itself. */
    readonly directory?: string
    /** Compose files, in the order in which Compose merges them. Default: `['compose.yml']`. */
    readonly files?: readonly string[]
    /** Env files for every call of Compose. Variables of your shell are never used. Default: `[]`. */
    readonly envFiles?: readonly string[]
    /** Compose profiles to enable, such as the one of a smoke test. Default: `[]`. */
    readonly profiles?: readonly string[]
    /** Variables for every call of Compose; they override the env files. Default: `{}`. */
    readonly environment?: { readonly [name: string]: string }
  } | {
    /** Services as plain processes of this machine. */
    readonly kind: 'process'
    /** Name of the stack; two stacks of one name in one folder are the same system. */
    readonly project: string
    /** Folder in which the services run. Default: the folder of `runbook.config.ts`. */
    readonly directory?: string
    /** Folder for pid and log files. Default: `.processes/PROJECT`. */
    readonly state?: string
    /** The services by name: the program with its arguments, or an object. */
    readonly services: { readonly [name: string]: readonly string[] | {
      /** The program and its arguments. */
      readonly command: readonly string[]
      /** Variables for the process. Default: none. */
      readonly environment?: { readonly [name: string]: string }
      /** Runs once and ends, as a smoke test does; never started with the others. Default: false. */
      readonly oneOff?: boolean
    } }
  }
  /** The services of the stack that one release of the application consists of; they are deployed and rolled back together. */
  readonly app?: readonly string[]
  /** The services of the stack that write to the database. They are stopped while data is replaced; a writer missing here could write into data that is about to be replaced. */
  readonly writers?: readonly string[]
  /** The database that is restored, dumped and asserted on. Its password is referenced, never stored. */
  readonly database?: {
    /** A Postgres database. */
    readonly engine: 'postgres'
    /** Name of the database. */
    readonly name: string
    /** Role that restores, swaps and dumps; it must be able to create databases. */
    readonly user: string
    /** Service of the Compose stack in which the server runs. Exactly one of service and host. Default: host is used. */
    readonly service?: string
    /** Host of the server. Exactly one of service and host. Default: service is used. */
    readonly host?: string
    /** TCP port of the server; only with host. Default: 5432. */
    readonly port?: number
    /** Password of the role; only read with host, as a service is reached inside its container. Default: no password. */
    readonly password?: SecretSource
    /** With whose rights the SQL of a dump runs in a copy: limited, those of a role that exists only for it, unless the dump needs a superuser; user, always those of the user. Default: `'limited'`. */
    readonly restoreAs?: 'limited' | 'user'
    /** What an operator must type before anything replaces this database. Default: `restore NAME on HOST`. */
    readonly confirmPhrase?: string
    /** How the old data is recognised after an undo where its rows must be read: by a digest of all rows, or by the row counts alone, which is quicker on large databases and proves less. Default: `'rows-and-digest'`. */
    readonly fingerprint?: 'rows-and-digest' | 'rows'
  } | {
    /** A SQLite file on this machine. */
    readonly engine: 'sqlite'
    /** The main database file. */
    readonly file: string
    /** Name of the database in messages and in the names of copies. Default: the file's name without its extension. */
    readonly name?: string
    /** Collations and functions that the application adds to SQLite. Indexes and constraints that use them are not checked; every page and row is. Default: a backup that uses one is refused. */
    readonly applicationDefines?: readonly string[]
    /** What an operator must type before anything replaces this database. Default: `restore NAME on HOST`. */
    readonly confirmPhrase?: string
    /** How the old data is recognised after an undo where its rows must be read: by a digest of all rows, or by the row counts alone, which is quicker on large databases and proves less. Default: `'rows-and-digest'`. */
    readonly fingerprint?: 'rows-and-digest' | 'rows'
  }
  /** Where the database's dumps arrive. Required to restore anything. */
  readonly backups?: {
    /** Folder in which the files arrive. Folders of dates below it are searched too. Default: with `from`, a folder for downloads below the state folder; required without it. */
    readonly directory?: string
    /** File name pattern: `*` is any text without `/`, `{time}` is the time at which the file was created. A date alone stands for all of its day: the first moment counts for the age, the last for `--bad-since`. Without `{time}` the modification time counts. */
    readonly pattern: string
    /** Largest age of the newest file; preflight refuses an older one. The default fits a nightly job that takes up to two hours. Default: `'26h'`. */
    readonly maxAge?: Duration
    /** Smallest plausible size; a smaller file is refused as incomplete. Default: `1`. */
    readonly minBytes?: Size
    /** `signed` refuses a file without a signed manifest (`FILE.manifest.json`), whatever checksum it has. An existing manifest must verify either way. Default: a checksum is enough. */
    readonly require?: 'signed'
    /** Systems besides the target's own whose backups are accepted, as their manifests name them (`source.system`): a former server, or production for a staging target. Default: a manifest must be of the target's own system. */
    readonly alsoFrom?: readonly string[]
    /** `required` refuses a file without a SHA-256 beside it (`FILE.sha256`, the lock file of a bundle, `SHA256SUMS` or `CHECKSUMS`); `if-present` accepts it. An existing checksum must match either way. Default: `'required'`. */
    readonly checksums?: 'required' | 'if-present'
    /** Where the dumps are kept, if not in a folder of this machine: S3, rclone, restic or Borg. A run downloads the one that it uses into `directory`. Default: they are in `directory`. */
    readonly from?: {
      /** A bucket of Amazon S3, or of a server with the same interface. */
      readonly kind: 's3'
      /** Name of the bucket. */
      readonly bucket: string
      /** Start of the keys, as a folder: `shop/nightly`. Folders of dates below it are searched too. Default: the complete bucket. */
      readonly prefix?: string
      /** Address of a server other than Amazon’s. Default: Amazon's, in the region. */
      readonly endpoint?: string
      /** Region of the bucket; other servers rarely care. Default: `'us-east-1'`. */
      readonly region?: string
      /** Whether the bucket is part of the path instead of the host name. Default: true with `endpoint`. */
      readonly pathStyle?: boolean
      /** Id of the access key. Default: the credentials that AWS's own tools would use: variables, ~/.aws, the machine's role. */
      readonly accessKeyId?: string | SecretSource
      /** The access key; required with `accessKeyId`. Default: none. */
      readonly secretAccessKey?: SecretSource
      /** Token of temporary credentials. Default: none. */
      readonly sessionToken?: SecretSource
    } | {
      /** Anything that rclone reaches. */
      readonly kind: 'rclone'
      /** Remote and folder, such as `drive:backups/shop`. Folders of dates below it are searched too. */
      readonly remote: string
      /** Configuration file of rclone. Default: rclone's own default. */
      readonly config?: string
      /** Variables that the program gets, such as the credentials of what is behind it. Default: none. */
      readonly secrets?: { readonly [name: string]: SecretSource }
    } | {
      /** Files in the snapshots of a restic repository. */
      readonly kind: 'restic'
      /** The repository as restic's `-r` takes it, such as `sftp:backup@box:/srv/restic`. */
      readonly repository: string
      /** Password of the repository. */
      readonly password: SecretSource
      /** Only snapshots of this host count. Default: those of any. */
      readonly host?: string
      /** Only snapshots with this tag count. Default: those with any. */
      readonly tag?: string
      /** Variables that the program gets, such as the credentials of what is behind it. Default: none. */
      readonly secrets?: { readonly [name: string]: SecretSource }
    } | {
      /** Files in the archives of a Borg repository (Borg 1). */
      readonly kind: 'borg'
      /** The repository as Borg takes it, such as `ssh://backup@box/./shop`. */
      readonly repository: string
      /** Passphrase of the repository. Default: the repository is not encrypted. */
      readonly passphrase?: SecretSource
      /** How many of the newest archives are searched; each takes a start of Borg. Default: `30`. */
      readonly newest?: number
      /** Variables that the program gets, such as the credentials of what is behind it. Default: none. */
      readonly secrets?: { readonly [name: string]: SecretSource }
    }
    /** With `from`: the most that downloads may take. The least recently used go first, never one that a run uses. Default: `'20GiB'`. */
    readonly cache?: Size
    /** Passphrase of encrypted dumps (gpg, age, `openssl enc`); for age also an identity (`AGE-SECRET-KEY-1…`). Default: an encrypted dump is refused. */
    readonly passphrase?: SecretSource
  }
  /** Queries that a restored copy must pass before it goes live. Without them, a dump that restores but is empty or already damaged goes unnoticed. */
  readonly assertions?: readonly {
    /** Name of the assertion in reports. */
    readonly name: string
    /** A read-only query; the first column of its first row is compared. */
    readonly sql: string
    /** The required value. Exactly one of the three. Default: one of the other two is given. */
    readonly equals?: Json
    /** The required minimum. Exactly one of the three. Default: one of the other two is given. */
    readonly atLeast?: number
    /** The permitted values. Exactly one of the three. Default: one of the other two is given. */
    readonly oneOf?: readonly Json[]
  }[]
  /** Checks that prove that the service is up: by HTTP, or by the health check of its container. They decide whether a run succeeds: before the point of no return, a failing check rolls the run back. */
  readonly health?: readonly {
    /** Name of the check in reports and messages. */
    readonly name: string
    /** Address to fetch with GET. Either this or `service`. Default: the other one is given. */
    readonly url?: string
    /** HTTP status of a healthy response. Default: `200`. */
    readonly status?: number
    /** Consecutive healthy responses that count as healthy, so that one lucky response does not. Default: `3`. */
    readonly passes?: number
    /** Longest time for the service to become healthy; after it the step fails. Default: `'2m'`. */
    readonly within?: Duration
    /** Pause between two requests. Default: `'2s'`. */
    readonly every?: Duration
    /** Longest time for one request. Default: `'5s'`. */
    readonly timeout?: Duration
    /** Dotted paths in the JSON body and their required values. Default: `{}`. */
    readonly json?: { readonly [name: string]: Json }
    /** Text that the first 200 characters of the body must contain; case does not matter. Default: any body. */
    readonly text?: string
    /** Token for the Authorization header, or `Basic BASE64` for a user and a password. Default: none. */
    readonly bearer?: SecretSource
    /** A service of the Compose stack whose container has a health check of its own, which counts instead of an address. Either this or `url`. Default: the other one is given. */
    readonly service?: string
  }[]
  /** A service of the stack that tests the application from outside: it runs once, and exit code 0 is a pass. */
  readonly smoke?: {
    /** The service that runs once and ends. */
    readonly service: string
    /** Command to run in it instead of its own; an empty list keeps its own. Default: `[]`. */
    readonly command?: readonly string[]
  }
  /** What to keep of the data that a run replaced, and for how long. */
  readonly retention?: {
    /** Folder for dumps that a run creates: fallbacks, and the old database. */
    readonly dumps: string
    /** How long the old database stays under its other name before `prune` may remove it. Default: `'7d'`. */
    readonly keepOld?: Duration
    /** Whether the old database is also dumped once the service is back. Default: `true`. */
    readonly dumpOld?: boolean
  }
  /** Where release bundles arrive, and how one is proven to start without going live. */
  readonly bundle?: {
    /** Folder in which the files arrive. Folders of dates below it are searched too. */
    readonly directory: string
    /** File name pattern: `*` is any text without `/`, `{time}` is the time at which the file was created. A date alone stands for all of its day: the first moment counts for the age, the last for `--bad-since`. Without `{time}` the modification time counts. */
    readonly pattern: string
    /** Largest age of the newest file; preflight refuses an older one. The default fits a nightly job that takes up to two hours. Default: `'26h'`. */
    readonly maxAge?: Duration
    /** Smallest plausible size; a smaller file is refused as incomplete. Default: `1`. */
    readonly minBytes?: Size
    /** `signed` refuses a file without a signed manifest (`FILE.manifest.json`), whatever checksum it has. An existing manifest must verify either way. Default: a checksum is enough. */
    readonly require?: 'signed'
    /** Systems besides the target's own whose backups are accepted, as their manifests name them (`source.system`): a former server, or production for a staging target. Default: a manifest must be of the target's own system. */
    readonly alsoFrom?: readonly string[]
    /** `required` refuses a file without a SHA-256 beside it (`FILE.sha256`, the lock file of a bundle, `SHA256SUMS` or `CHECKSUMS`); `if-present` accepts it. An existing checksum must match either way. Default: `'required'`. */
    readonly checksums?: 'required' | 'if-present'
    /** Installs production dependencies in the folder of the extracted bundle: a program and its arguments. */
    readonly install: readonly string[]
    /** Starts the extracted bundle with its dry-run switch, without going live; exit code 0 means that it starts. Default: whether it starts is not tested, which `monthly-spot-restore` reports. */
    readonly dryRun?: readonly string[]
    /** Variables for both commands. Default: `{}`. */
    readonly environment?: { readonly [name: string]: string }
  }
  /** Archives of a data folder: where they arrive, how a restored one is proven, and, with `source`, how new ones are made. */
  readonly data?: {
    /** Folder in which the files arrive. Folders of dates below it are searched too. */
    readonly directory: string
    /** File name pattern: `*` is any text without `/`, `{time}` is the time at which the file was created. A date alone stands for all of its day: the first moment counts for the age, the last for `--bad-since`. Without `{time}` the modification time counts. */
    readonly pattern: string
    /** Largest age of the newest file; preflight refuses an older one. The default fits a nightly job that takes up to two hours. Default: `'26h'`. */
    readonly maxAge?: Duration
    /** Smallest plausible size; a smaller file is refused as incomplete. Default: `1`. */
    readonly minBytes?: Size
    /** `signed` refuses a file without a signed manifest (`FILE.manifest.json`), whatever checksum it has. An existing manifest must verify either way. Default: a checksum is enough. */
    readonly require?: 'signed'
    /** Systems besides the target's own whose backups are accepted, as their manifests name them (`source.system`): a former server, or production for a staging target. Default: a manifest must be of the target's own system. */
    readonly alsoFrom?: readonly string[]
    /** `required` refuses a file without a SHA-256 beside it (`FILE.sha256`, the lock file of a bundle, `SHA256SUMS` or `CHECKSUMS`); `if-present` accepts it. An existing checksum must match either way. Default: `'required'`. */
    readonly checksums?: 'required' | 'if-present'
    /** Passphrase of archives that end in `.gpg` or `.age`, and of those that `data-backup --encrypt` makes. Default: encrypted archives are refused. */
    readonly passphrase?: SecretSource
    /** Files that every archive must contain and that must be readable after a restore. Default: `[]`. */
    readonly keyFiles?: readonly {
      /** Path in the archive, relative to its single top-level folder; relative to the root if there is none. */
      readonly path: string
      /** How the file is read to prove that it is intact; `none` checks only that it exists. Default: `'none'`. */
      readonly parse?: 'none' | 'json' | 'yaml' | 'toml' | 'sqlite'
      /** Smallest plausible size. Default: `1`. */
      readonly minBytes?: Size
      /** Dotted paths in the parsed file and their required values. Default: `{}`. */
      readonly expect?: { readonly [name: string]: Json }
    }[]
    /** The live folder that `data-backup` archives. Its name becomes that of the one folder in the archive, which is compressed with zstd, several times as fast, where `pattern` ends in `.tar.zst` or `.tar.zst*`, and else with gzip. Default: archives come from elsewhere; they can be restored but not created. */
    readonly source?: string
    /** Start of new archives' names. Default: `pattern` up to its first `*` or `{time}`, without the hyphen. */
    readonly name?: string
    /** What to exclude: a name (`*.log`) wherever it occurs, a pattern with a slash (`var/cache`) from the top. Default: `[]`. */
    readonly exclude?: readonly string[]
    /** Smallest plausible number of files and folders. The default is the folder and something in it. Default: `2`. */
    readonly minMembers?: number
    /** Whether a file that changes while it is packed fails the backup, or is only reported. Default: `'refuse'`. */
    readonly whileChanging?: 'refuse' | 'note'
    /** What `data-backup --encrypt` encrypts with; `age` needs the npm package `age-encryption`, and no program. Default: `'gpg'`. */
    readonly encryption?: 'gpg' | 'age'
    /** Folders of dates for new archives; older ones are found in any layout. Default: `'YYYY/MM-DD'`. */
    readonly layout?: 'YYYY/MM-DD' | 'YYYY-MM-DD' | 'flat'
    /** Archives that `data-backup --prune` keeps, the new one included. Default: `--keep` is required. */
    readonly keep?: number
    /** Total size that the archives may reach; above 80 % there is a warning. Default: no limit. */
    readonly quota?: Size
    /** The drive that contains `directory`. Backups are refused while it is not mounted. Default: no mount is checked. */
    readonly mount?: {
      /** Mount point; `directory` must be on it. */
      readonly path: string
      /** File that exists only while the drive is mounted, from `path`. Default: only the mount table is checked. */
      readonly sentinel?: string
      /** A drive that does not answer within this time is considered dead. Default: `'10s'`. */
      readonly timeout?: Duration
    }
  }
  /** How the quarterly drill runs the live service on its latest archive and bundle, and puts everything back. */
  readonly drill?: {
    /** Services of the stack that run on `data.source`; stopped while it is replaced. */
    readonly services: readonly string[]
    /** Folder that they run from, into which a release bundle is unpacked. */
    readonly into: string
    /** Names in that folder that no bundle replaces; a list of your own replaces the default. Default: `['.env', '.git']`. */
    readonly keep?: readonly string[]
    /** Smoke test, run in `into`: a program and its arguments; exit code 0 is a pass. It must leave nothing behind. */
    readonly smoke: readonly string[]
    /** Variables for the smoke test. Default: `{}`. */
    readonly environment?: { readonly [name: string]: string }
  }
  /** Images of one or more environments on this host that are saved before a risky change and restored after a bad one. */
  readonly images?: {
    /** Name of the image without a tag. */
    readonly repository: string
    /** The environments by name, such as `prod` and `dev`. */
    readonly environments: { readonly [name: string]: {
      /** The service of the stack that runs the image. */
      readonly service: string
      /** The tag in the Compose file. */
      readonly tag: string
      /** The Compose stack of this environment. Default: the target's own stack. */
      readonly stack?: {
        /** Services in containers of a Docker Compose project. */
        readonly kind: 'compose'
        /** Name of the Compose project, as `docker compose ls` shows it. Default: as for `docker compose` itself: `COMPOSE_PROJECT_NAME` in its env files, else the `name` in the files, else that of `directory`. */
        readonly project?: string
        /** Folder against which Compose resolves relative paths in its files. Default: the folder of the first file, as for `docker compose` itself. */
        readonly directory?: string
        /** Compose files, in the order in which Compose merges them. Default: `['compose.yml']`. */
        readonly files?: readonly string[]
        /** Env files for every call of Compose. Variables of your shell are never used. Default: `[]`. */
        readonly envFiles?: readonly string[]
        /** Compose profiles to enable, such as the one of a smoke test. Default: `[]`. */
        readonly profiles?: readonly string[]
        /** Variables for every call of Compose; they override the env files. Default: `{}`. */
        readonly environment?: { readonly [name: string]: string }
      }
      /** Checks that must pass before a rollback of this environment is complete. Default: `[]`. */
      readonly health?: readonly {
        /** Name of the check in reports and messages. */
        readonly name: string
        /** Address to fetch with GET. */
        readonly url: string
        /** HTTP status of a healthy response. Default: `200`. */
        readonly status?: number
        /** Consecutive healthy responses that count as healthy, so that one lucky response does not. Default: `3`. */
        readonly passes?: number
        /** Longest time for the service to become healthy; after it the step fails. Default: `'2m'`. */
        readonly within?: Duration
        /** Pause between two requests. Default: `'2s'`. */
        readonly every?: Duration
        /** Longest time for one request. Default: `'5s'`. */
        readonly timeout?: Duration
        /** Dotted paths in the JSON body and their required values. Default: `{}`. */
        readonly json?: { readonly [name: string]: Json }
        /** Text that the first 200 characters of the body must contain; case does not matter. Default: any body. */
        readonly text?: string
        /** Token for the Authorization header, or `Basic BASE64` for a user and a password. Default: none. */
        readonly bearer?: SecretSource
      }[]
    } }
    /** Folder for tar files, pointers and history. It needs room for `keep` images. */
    readonly snapshots: string
    /** Start of the pointers' file names. Default: `'latest-'`. */
    readonly pointers?: string
    /** File name of the history in `snapshots`. Default: `'image-history.jsonl'`. */
    readonly history?: string
    /** Folder for lock files. */
    readonly releases: string
    /** Start of the lock files' names. Default: `'stack-images'`. */
    readonly locks?: string
    /** How many snapshots `prune` keeps. Default: `5`. */
    readonly keep?: number
  }
  /** How release bundles are made of a checkout's tracked files, and which ones are kept. */
  readonly release?: {
    /** The git checkout whose tracked files are packed. Default: `'.'`. */
    readonly source?: string
    /** Start of the bundles' names: `NAME-v1.0.1-2025-09-22T101500Z.tar.gz`. */
    readonly name: string
    /** Folder for bundles, lock files and `SHA256SUMS`. Default: `releases` in the checkout. */
    readonly directory?: string
    /** Value of `env` in lock files. Default: `'prod'`. */
    readonly environment?: string
    /** Tracked files to exclude from bundles: a name wherever it occurs, a pattern with a slash from the top. Default: `['node_modules', 'releases/*', '.cache', 'playwright-report', 'test-results']`. */
    readonly exclude?: readonly string[]
    /** How many bundles `prune` keeps. Default: `5`. */
    readonly keep?: number
    /** Text files that name bundles to keep, one per line, such as a pointer to what is deployed. A missing file names none. Default: `[]`. */
    readonly inUse?: readonly string[]
  }
  /** Releases that are deployed by pointing a link at a folder. An alternative to `version` and `imageLine`. */
  readonly releaseFolders?: {
    /** The link to the live release, such as `/srv/shop/current`. The stack's mounts go through it. */
    readonly link: string
    /** Folder that contains the release folders. Default: `releases` beside the link. */
    readonly directory?: string
    /** A file that differs from one release to the next. After the link changed, a container keeps the folder that it was started with, so only this file shows which release is running. */
    readonly proof: {
      /** Service that has the file mounted. */
      readonly service: string
      /** Path of the file from a release's folder. */
      readonly file: string
      /** Path of the same file in the container. */
      readonly inside: string
    }
  }
  /** The GitHub repository in which bundles are published as releases and from which they are fetched. */
  readonly publication?: {
    /** The repository as `OWNER/NAME`. */
    readonly repository: string
    /** A token that may write the repository's contents. */
    readonly token: SecretSource
    /** Address of the API; `https://HOST/api/v3` for a GitHub Enterprise Server. Default: `'https://api.github.com'`. */
    readonly api?: string
  }
  /** Folder in which archives and bundles, and compressed SQLite backups, are unpacked and removed again. It must have room for the largest of them. */
  readonly staging?: string
  /** The env file that `config-rollback` restores to an earlier version. */
  readonly configuration?: {
    /** The env file, read as Docker Compose reads it. Its earlier versions are in git, or beside it as dated copies. */
    readonly file: string
    /** Services of the stack that run with it; their containers are recreated. */
    readonly services: readonly string[]
    /** Variables that must be set in the running containers afterwards; a trailing `*` matches any suffix. The default is every variable that the file sets. Default: `['*']`. */
    readonly confirm?: readonly string[]
  }
  /** What `auth-rollback` restores: the server's pg_hba.conf, the settings of the Docker daemon, and the Compose file. Requires a Compose stack that contains the Postgres server. */
  readonly access?: {
    /** Client authentication of Postgres. */
    readonly pgHba: {
      /** Path of the file in the container of the database. Default: `'/var/lib/postgresql/data/pg_hba.conf'`. */
      readonly file?: string
      /** The application's own role; its login proves that the application is let in. */
      readonly user: string
      /** Password of that role. Default: no password. */
      readonly password?: SecretSource
      /** The name by which other services reach the database. Default: the service of the database. */
      readonly host?: string
      /** Longest time until the application can log in. Default: `'30s'`. */
      readonly within?: Duration
    }
    /** The Docker daemon. Default: `{}`. */
    readonly daemon?: {
      /** The settings file of the Docker daemon. Default: `'/etc/docker/daemon.json'`. */
      readonly file?: string
      /** Restarts the daemon: a program and its arguments. Default: `['systemctl', 'restart', 'docker']`. */
      readonly restart?: readonly string[]
      /** The file in which the daemon writes its pid at each start. Default: `'/var/run/docker.pid'`. */
      readonly pidFile?: string
      /** Longest time for Docker to answer after a restart. Default: `'1m'`. */
      readonly within?: Duration
    }
    /** The Compose file to restore, one of `stack.files`. Default: the first file of the stack. */
    readonly composeFile?: string
    /** Services that must run when access is restored. Default: those of `app`, and that of the database. */
    readonly services?: readonly string[]
  }
  /** Where the service exposes its metrics in the Prometheus text format. */
  readonly metrics?: {
    /** Address of the metrics. */
    readonly url: string
    /** Token for the Authorization header, or `Basic BASE64` for a user and a password. Default: none. */
    readonly bearer?: SecretSource
    /** Required metrics. With an empty list, any metric suffices. Default: `[]`. */
    readonly names?: readonly string[]
    /** Longest time for one request. Default: `'10s'`. */
    readonly timeout?: Duration
  }
  /** What must not appear in the recent logs of services after a rollback. */
  readonly logScan?: {
    /** Services of the stack whose logs are read. */
    readonly services: readonly string[]
    /** How far back the logs are read. Default: `'10m'`. */
    readonly since?: Duration
    /** Patterns to look for, and how many lines of each are tolerated. Default: `[{ name: 'errors', pattern: '\\b(error|critical|fatal|traceback)\\b', atMost: 0 }]`. */
    readonly patterns?: readonly {
      /** Name of the lines in reports. */
      readonly name: string
      /** Regular expression for a line; case does not matter. */
      readonly pattern: string
      /** Largest number of matching lines; the step fails with more. Default: `0`. */
      readonly atMost?: number
    }[]
    /** Regular expressions for known harmless lines. Default: `[]`. */
    readonly ignore?: readonly string[]
  }
  /** Where incidents are announced, and who to call when a runbook fails. */
  readonly operators?: {
    /** Name of the channel in which incidents are discussed. Default: no channel is named. */
    readonly channel?: string
    /** Where follow-up work is tracked. Default: no tracker is named. */
    readonly tracker?: string
    /** Announces in the channel automatically. Every runbook posts here that it failed and begins to roll back, was rolled back, was stopped, waits for a person or was found killed. Default: a person is asked to announce. */
    readonly announce?: {
      /** The address to post to. Write it as a secret if knowing it is enough to post. */
      readonly url: string | SecretSource
      /** Token for the Authorization header, or its complete value: `Basic BASE64` for a user and a password, `GenieKey KEY` for Opsgenie. Default: none. */
      readonly bearer?: SecretSource
      /** What is posted, as JSON. In each text `{text}`, `{title}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and `{by}` are filled in. Slack, Mattermost, Rocket.Chat and Google Chat take the default. With `format` it is not used. Default: `{ text: '{text}' }`. */
      readonly body?: Json
      /** The receiver: its own body is posted, cut to its limits, and mentions nobody. Default: `body` is posted. */
      readonly format?: 'slack' | 'mattermost' | 'discord' | 'teams' | 'ntfy' | 'pagerduty' | 'opsgenie'
      /** The topic of ntfy, whose `url` is that of the server, or the routing key of PagerDuty. Default: none; required with these two formats. */
      readonly key?: SecretSource
      /** Dotted path in the JSON response to the reference that the evidence keeps: `key` for Jira, `html_url` for GitHub. Default: no reference is kept. */
      readonly reference?: string
      /** Longest time for one request. Default: `'10s'`. */
      readonly timeout?: Duration
    }
    /** Opens a ticket in the tracker automatically. Default: a person is asked to open one. */
    readonly ticket?: {
      /** The address to post to. Write it as a secret if knowing it is enough to post. */
      readonly url: string | SecretSource
      /** Token for the Authorization header, or its complete value: `Basic BASE64` for a user and a password, `GenieKey KEY` for Opsgenie. Default: none. */
      readonly bearer?: SecretSource
      /** What is posted, as JSON. In each text `{text}`, `{title}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and `{by}` are filled in. Slack, Mattermost, Rocket.Chat and Google Chat take the default. With `format` it is not used. Default: `{ text: '{text}' }`. */
      readonly body?: Json
      /** The receiver: its own body is posted, cut to its limits, and mentions nobody. Default: `body` is posted. */
      readonly format?: 'slack' | 'mattermost' | 'discord' | 'teams' | 'ntfy' | 'pagerduty' | 'opsgenie'
      /** The topic of ntfy, whose `url` is that of the server, or the routing key of PagerDuty. Default: none; required with these two formats. */
      readonly key?: SecretSource
      /** Dotted path in the JSON response to the reference that the evidence keeps: `key` for Jira, `html_url` for GitHub. Default: no reference is kept. */
      readonly reference?: string
      /** Longest time for one request. Default: `'10s'`. */
      readonly timeout?: Duration
    }
    /** Where every runbook reports that it failed and begins to roll back, was rolled back, was stopped, waits for a person or was found killed, besides `announce`: by webhook, mail or a program. Default: only `announce`. */
    readonly news?: readonly ({
      /** The address to post to. Write it as a secret if knowing it is enough to post. */
      readonly url: string | SecretSource
      /** Token for the Authorization header, or its complete value: `Basic BASE64` for a user and a password, `GenieKey KEY` for Opsgenie. Default: none. */
      readonly bearer?: SecretSource
      /** What is posted, as JSON. In each text `{text}`, `{title}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and `{by}` are filled in. Slack, Mattermost, Rocket.Chat and Google Chat take the default. With `format` it is not used. Default: `{ text: '{text}' }`. */
      readonly body?: Json
      /** The receiver: its own body is posted, cut to its limits, and mentions nobody. Default: `body` is posted. */
      readonly format?: 'slack' | 'mattermost' | 'discord' | 'teams' | 'ntfy' | 'pagerduty' | 'opsgenie'
      /** The topic of ntfy, whose `url` is that of the server, or the routing key of PagerDuty. Default: none; required with these two formats. */
      readonly key?: SecretSource
      /** Dotted path in the JSON response to the reference that the evidence keeps: `key` for Jira, `html_url` for GitHub. Default: no reference is kept. */
      readonly reference?: string
      /** Longest time for one request. Default: `'10s'`. */
      readonly timeout?: Duration
      /** A POST of JSON. */
      readonly by: 'webhook'
      /** Name in reports and in `runbook operators test`. Default: its kind and its place in the list, such as `mail-2`. */
      readonly name?: string
    } | {
      /** Mail by SMTP. */
      readonly by: 'mail'
      /** Name in reports and in `runbook operators test`. Default: its kind and its place in the list, such as `mail-2`. */
      readonly name?: string
      /** The mail server, as HOST or HOST:PORT. */
      readonly server: string
      /** TLS before the first word, by STARTTLS or not at all, or by STARTTLS where the server offers it. Default: 'from-start' on port 465, 'required' with a password, else 'if-offered'. */
      readonly tls?: 'from-start' | 'required' | 'if-offered'
      /** Account at the mail server. Default: no login. */
      readonly user?: string
      /** Its password. Default: no login. */
      readonly password?: SecretSource
      /** Address of the sender. */
      readonly from: string
      /** Who gets it. */
      readonly to: readonly string[]
      /** Longest time for one attempt. Default: `'10s'`. */
      readonly timeout?: Duration
    } | {
      /** A program of this machine. */
      readonly by: 'command'
      /** Name in reports and in `runbook operators test`. Default: its kind and its place in the list, such as `mail-2`. */
      readonly name?: string
      /** The program and its arguments. It gets `NEWS_TEXT`, `NEWS_TITLE`, `NEWS_KEY`, `NEWS_RUN`, `NEWS_RUNBOOK`, `NEWS_TARGET`, `NEWS_STORY`, `NEWS_REASON` and `NEWS_BY` as variables, and runs in the folder of `runbook.config.ts`. */
      readonly command: readonly string[]
      /** Variables that it gets besides, with secrets. Default: none. */
      readonly secrets?: { readonly [name: string]: SecretSource }
      /** Longest time for one attempt. Default: `'10s'`. */
      readonly timeout?: Duration
    })[]
    /** Who can be called, and how they are reached. Default: `[]`. */
    readonly contacts?: readonly {
      /** Role, as `escalation` names it. */
      readonly role: string
      /** How the person is reached: a telephone number, a handle. */
      readonly reach: string
    }[]
    /** What is tried, and who is called, when a level has failed; first to last. Default: `[]`. */
    readonly escalation?: readonly {
      /** What is tried, or who is called. */
      readonly what: string
      /** Runbooks that are this level; when one of them fails, the next level follows. Default: `[]`. */
      readonly runbooks?: readonly string[]
      /** Role of a contact. Default: no one is called. */
      readonly who?: string
      /** Time after which `runbook watch` calls the next level, unless somebody acknowledges. Default: 15 minutes. */
      readonly after?: Duration
      /** Names of the channels on which `runbook watch` calls this level. Default: all. */
      readonly channels?: readonly string[]
    }[]
  }
  /** A SQLite database in a Docker volume of a service; `database` is for one on this machine. */
  readonly volumeDatabase?: {
    /** The service of the stack that has the volume. */
    readonly service: string
    /** The main database file as the container sees it; it must be in a volume. */
    readonly path: string
    /** Name of the database in messages. Default: the file's name without its extension. */
    readonly name?: string
    /** What an operator must type before anything replaces this database. Default: `restore NAME on HOST`. */
    readonly confirmPhrase?: string
    /** UID of a restored file, if no old file gives it. Default: `0`. */
    readonly uid?: number
    /** GID of a restored file, if no old file gives it. Default: `0`. */
    readonly gid?: number
    /** Permissions of a restored file, if no old file gives them. Default: `0o600`. */
    readonly mode?: number
    /** Passphrase of backups that end in `.gpg`. Default: encrypted backups are refused. */
    readonly passphrase?: SecretSource
    /** Collations and functions that the application adds to SQLite. Indexes and constraints that use them are not checked; every page and row is. Default: a backup that uses one is refused. */
    readonly applicationDefines?: readonly string[]
    /** Numbers that must be equal in the running application and in the backup. Default: `[]`. */
    readonly business?: readonly {
      /** Name of the number in reports. */
      readonly name: string
      /** A read-only query of the backup; the first column of its first row is the number. */
      readonly sql: string
      /** Address at which the running application gives the same number. */
      readonly url: string
      /** Dotted path of the number in the JSON body. */
      readonly path: string
      /** Longest time until the application gives that number. Default: `'30s'`. */
      readonly within?: Duration
      /** Token for the Authorization header, or `Basic BASE64` for a user and a password. Default: none. */
      readonly bearer?: SecretSource
    }[]
  }
  /** How the team records which version ran when, so that the one before can be chosen. */
  readonly deployments?: {
    /** A file with one line for each deployment: `DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS`. */
    readonly history: string
  }
  /** Names of runbooks that also ask a person for what the program cannot know, such as the post-mortem of `full-db-rollback`. Without a terminal, `--answer` or `--skip` must give the answers. Without this section no one is asked. */
  readonly duties?: readonly string[]
  /** How a dump is tested without touching anything live: in a throwaway Postgres server that is removed afterwards. */
  readonly restoreTest?: {
    /** Image of the throwaway server; `{major}` is the major version of the dump. It must initialise itself as the official image does and be present on this machine: nothing is pulled. Default: the image of `database.service`; where it is missing, `postgres:{major}-alpine`. */
    readonly image?: string
    /** The superuser that the image creates. Default: `'postgres'`. */
    readonly user?: string
    /** Longest time for the server to answer. Default: `'2m'`. */
    readonly readyWithin?: Duration
    /** Free space required where the server keeps its data, as a multiple of the size of the dump. Dumps are compressed and contain no indexes, and the disk may be shared with something live. Default: `8`. */
    readonly room?: number
    /** Markdown file whose block "Latest tested restore" describes the newest test that passed. The file must exist; a missing block is added. Default: `latest-tested-restore.md` beside the evidence. */
    readonly record?: string
  }
  /** Releases that are chosen by the `image:` line of a Compose file. An alternative to `version` and `releaseFolders`. */
  readonly imageLine?: {
    /** The service of the stack whose image is the version. */
    readonly service: string
    /** The Compose file that has its image line, one of `stack.files`. Default: the only file of the stack. */
    readonly file?: string
  }
  /** Files that users gave the system to keep, and where their backups arrive. */
  readonly documents?: {
    /** The service of the stack in whose volume the files are. Default: the files are on this machine. */
    readonly service?: string
    /** The folder that contains them; an absolute path if a service is set. */
    readonly folder: string
    /** Where backups of the folder arrive; the pattern matches names of folders and of archives. */
    readonly backups: {
      /** Folder in which the files arrive. Folders of dates below it are searched too. */
      readonly directory: string
      /** File name pattern: `*` is any text without `/`, `{time}` is the time at which the file was created. A date alone stands for all of its day: the first moment counts for the age, the last for `--bad-since`. Without `{time}` the modification time counts. */
      readonly pattern: string
      /** Largest age of the newest file; preflight refuses an older one. The default fits a nightly job that takes up to two hours. Default: `'26h'`. */
      readonly maxAge?: Duration
      /** Smallest plausible size; a smaller file is refused as incomplete. Default: `1`. */
      readonly minBytes?: Size
      /** `signed` refuses a file without a signed manifest (`FILE.manifest.json`), whatever checksum it has. An existing manifest must verify either way. Default: a checksum is enough. */
      readonly require?: 'signed'
      /** Systems besides the target's own whose backups are accepted, as their manifests name them (`source.system`): a former server, or production for a staging target. Default: a manifest must be of the target's own system. */
      readonly alsoFrom?: readonly string[]
      /** `required` refuses a file without a SHA-256 beside it (`FILE.sha256`, the lock file of a bundle, `SHA256SUMS` or `CHECKSUMS`); `if-present` accepts it. An existing checksum must match either way. Default: `'required'`. */
      readonly checksums?: 'required' | 'if-present'
    }
    /** Passphrase of archives that end in `.gpg`. Default: encrypted archives are refused. */
    readonly passphrase?: SecretSource
    /** UID of a restored file in a volume, if no old file gives it. Default: `0`. */
    readonly uid?: number
    /** GID of a restored file in a volume, if no old file gives it. Default: `0`. */
    readonly gid?: number
    /** Permissions of a restored file in a volume, if no old file gives them. Default: `0o644`. */
    readonly mode?: number
    /** What an operator must type before a document is replaced. Default: `recover a document on HOST`. */
    readonly confirmPhrase?: string
  }
  /** The switch that turns exports and reports off while the rest of the service stays up. */
  readonly exports?: {
    /** The env file that holds the variable. */
    readonly file: string
    /** The variable that is the switch. Default: `'EXPORT_MODE'`. */
    readonly variable?: string
    /** Its value while exports work. Default: `'on'`. */
    readonly on?: string
    /** Its value while they are turned off. Default: `'off'`. */
    readonly off?: string
    /** Services of the stack that read the variable; their containers are recreated. */
    readonly services: readonly string[]
    /** Addresses that show whether exports are off; the variable alone proves nothing. */
    readonly endpoints: readonly {
      /** Name of the address in reports. */
      readonly name: string
      /** Address to fetch with GET. */
      readonly url: string
      /** HTTP statuses that mean turned off. Default: `[404]`. */
      readonly statuses?: readonly number[]
      /** Dotted paths in the JSON body and values that also mean turned off. Default: `{}`. */
      readonly json?: { readonly [name: string]: Json }
      /** Text in the first 200 characters of the body that also means turned off. Default: no text is searched. */
      readonly text?: string
      /** Longest time until the service obeys. Default: `'30s'`. */
      readonly within?: Duration
      /** Token for the Authorization header, or `Basic BASE64` for a user and a password. Default: none. */
      readonly bearer?: SecretSource
    }[]
  }
  /** A Markdown file that gets one line for each run, such as the list of monthly restore tests. */
  readonly checklist?: string
  /** Releases that are chosen by a tag in an env file. An alternative to `imageLine` and `releaseFolders`. */
  readonly version?: {
    /** Services of the stack that run the application's image. */
    readonly services: readonly string[]
    /** The variable that holds the tag. Default: `'IMAGE_TAG'`. */
    readonly variable?: string
    /** The env file that holds the variable, one of `stack.envFiles`. Default: the only env file of the stack. */
    readonly file?: string
    /** The image of a version, with `{tag}` in it: `registry.example.com/api:{tag}`. */
    readonly image: string
    /** Registry in which `--from registry` looks for the version before this one (`/v2/NAME/tags/list` of the OCI distribution API). Default: no registry is queried. */
    readonly registry?: string
    /** Bearer token for the registry. Default: none. */
    readonly registryToken?: SecretSource
    /** `missing` does not fetch an image again that is on this machine. Default: `'always'`. */
    readonly pull?: 'always' | 'missing'
  }
  /** The application's migrations, made by Alembic, so that a downgrade can be planned and proven. */
  readonly migrations?: {
    /** Service whose one-off containers run the tool; they have its environment and network. */
    readonly service: string
    /** The tool with its global options. Default: `['alembic']`. */
    readonly command?: readonly string[]
    /** Field of the readiness response that says whether the database matches the application's migrations. Default: `'migrations_current'`. */
    readonly readyField?: string
  }
  /** How often each proof is due: `runbook drills` and `runbook doctor` say which are overdue. Without the section, `restore-test`, for SQLite `find-good-backup` or `find-good-volume-backup`, and `monthly-spot-restore` are due every 31 days and `quarterly-full-drill` every 92 days, as far as they fit the target. */
  readonly drills?: { readonly [name: string]: {
    /** Longest time between two runs that prove it. */
    readonly every: Duration
  } }
  /** What `runbook watch` does with a run whose process died: it tells the operators, and may roll the run back or resume it. Without the section it only tells them. */
  readonly watch?: {
    /** One attempt is made, with the locks and checks of the command of that name; if it fails, people are called. A run that was rolling back goes on rolling back under both; one past its point of no return is left to people by `rollback`. */
    readonly policy: 'tell' | 'rollback' | 'resume'
    /** Time that people have before it acts. Default: `'0s'`. */
    readonly after?: Duration
  }
  /** Other values that the team's own runbooks need; they read them as `target.settings`, with their types. Default: `{}`. */
  readonly settings?: JsonObject
}
