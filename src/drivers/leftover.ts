import type { Drivers } from './drivers.ts'

/**
 * Where something that a step started may outlive the program: a process of this machine, a container or a
 * program inside one, a session of a database server.
 */
export type Leftover = 'processes' | 'containers' | 'sessions'

/** The default of a step that declares nothing. */
export const everywhere: readonly Leftover[] = ['processes', 'containers', 'sessions']

const nothing: readonly Leftover[] = []
const process: readonly Leftover[] = ['processes']
const inDocker: readonly Leftover[] = ['processes', 'containers']

/**
 * What a driver call can leave behind if the program dies during it, for any engine. Bounded read-only calls
 * leave nothing: they change nothing, and the other side ends them in time.
 */
export const leftBy: {
  readonly [P in keyof Drivers]: { readonly [M in keyof Drivers[P]]-?: readonly Leftover[] }
} = {
  services: {
    facts: process,
    states: nothing,
    declared: process,
    outdated: process,
    creations: nothing,
    drift: process,
    declaredChanges: process,
    storage: process,
    declaredVariables: process,
    variables: nothing,
    digests: inDocker,
    logs: nothing,
    stop: inDocker,
    start: inDocker,
    pull: inDocker,
    up: inDocker,
    recreate: inDocker,
    remove: inDocker,
    runOneOff: inDocker,
  },
  databases: {
    identity: nothing,
    exists: nothing,
    listing: nothing,
    fileVersion: nothing,
    beside: nothing,
    bytes: nothing,
    leftover: nothing,
    fingerprint: everywhere,
    contents: everywhere,
    attachments: everywhere,
    unreadable: everywhere,
    missingRights: nothing,
    query: nothing,
    rows: nothing,
    values: nothing,
    inspect: inDocker,
    readBack: inDocker,
    header: inDocker,
    fit: inDocker,
    restoreRights: inDocker,
    sessions: nothing,
    freeBytes: nothing,
    tools: nothing,
    restoreBeside: everywhere,
    // Opens no session.
    reload: inDocker,
    drop: everywhere,
    swap: everywhere,
    open: everywhere,
    dump: everywhere,
    restoreInPlace: everywhere,
    restoreExactly: everywhere,
    createRoles: everywhere,
    insertRows: everywhere,
    deleteRows: everywhere,
  },
  backups: {
    list: nothing,
    undated: nothing,
    find: nothing,
    verify: nothing,
    checksumOf: nothing,
    judge: nothing,
    sign: nothing,
  },
  // Programs that read a store: restic, Borg, rclone.
  places: { list: process, digestOf: process, read: process, fetch: process },
  files: {
    stat: nothing,
    read: nothing,
    linkTarget: nothing,
    list: nothing,
    unfinished: nothing,
    freeBytes: nothing,
    head: nothing,
    hash: nothing,
    tree: nothing,
    mount: process,
    write: nothing,
    append: nothing,
    makeFolder: nothing,
    removeTree: nothing,
    move: nothing,
    copy: nothing,
    replace: nothing,
    writeLink: nothing,
  },
  archives: {
    inspect: process,
    find: process,
    packable: nothing,
    pack: process,
    encrypt: process,
    decrypt: process,
    extract: process,
  },
  http: { get: nothing, read: nothing, post: nothing },
  mail: { send: nothing },
  people: { reachable: nothing, ask: nothing },
  secrets: { available: nothing, reveal: nothing },
  commands: { version: process, package: nothing, looking: process, run: process, script: process },
  orphans: { find: nothing, end: nothing },
  volumes: {
    stat: nothing,
    list: nothing,
    read: nothing,
    digest: nothing,
    withCopy: nothing,
    leftover: nothing,
    fetch: nothing,
    put: inDocker,
    write: inDocker,
    move: inDocker,
    remove: inDocker,
  },
  images: {
    find: nothing,
    list: nothing,
    users: nothing,
    archived: nothing,
    tag: nothing,
    untag: nothing,
    remove: nothing,
    save: nothing,
    load: nothing,
    pull: process,
  },
  git: { head: process, dirty: process, tracked: process, show: process, ignores: process, history: process },
  migrations: { current: inDocker, history: inDocker, downgrade: inDocker, upgrade: inDocker },
  releases: {
    commitOf: nothing,
    forTag: nothing,
    latest: nothing,
    fetched: nothing,
    draft: nothing,
    upload: nothing,
    download: nothing,
    removeAsset: nothing,
    publish: nothing,
    withdraw: nothing,
    remove: nothing,
  },
  containers: { state: nothing, log: nothing, start: inDocker, remove: inDocker },
}
